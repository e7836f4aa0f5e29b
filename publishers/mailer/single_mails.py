"""The single mails of a mailer: claimed as soon as the API asks for them, before any digest."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine

from infra.settings import Settings
from projections.private import outgoing_mail
from projections.private.outgoing_mail import MAX_ATTEMPTS, OutgoingMail
from publishers.mailer.delivery.connection_pool import DeliveryJob
from publishers.mailer.delivery.journal import MailJournal, MailProgress
from publishers.mailer.delivery.outcome import Outcome, Parcel, retry_pause
from publishers.mailer.messages.dkim import DkimSigner, sign_message
from publishers.mailer.messages.single_mail import link_of, render_single

log = structlog.get_logger(__name__)

Settled = tuple[OutgoingMail, Outcome]


class SingleMails:
    """Claims, renders and settles single mails.

    Args:
        engine: The database.
        settings: Of this process.
        folder: Where the journal lies.
        signer: Signs mails; None: unsigned.
        render_copy: Renders a copy of a digest.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        folder: Path,
        signer: DkimSigner | None,
        render_copy: Callable[[OutgoingMail], bytes],
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._journal = MailJournal(folder / "single.journal")
        self._signer, self._render_copy = signer, render_copy
        self._settled: list[Settled] = []

    def recover(self, term: int) -> None:
        """Settle what a former term left behind, as its journal says."""
        history = self._journal.begin(term)
        complete = history.is_complete()
        with self._engine.begin() as connection:
            # A restored database would give numbers again that the journal knows.
            outgoing_mail.skip_ids(connection, max(map(_id, history.mails), default=0))
            for mail_id, attempt in outgoing_mail.list_sending(connection):
                before = history.mails.get(_name(mail_id))
                if before and before.attempt < attempt:
                    before = None
                _recover(connection, mail_id, before, complete)

    def claim(self, limit: int) -> list[DeliveryJob]:
        """Claim mails that are due; a job for each."""
        with self._engine.begin() as connection:
            mails = outgoing_mail.claim(connection, limit)
        return [self._job(mail, self._prepare(mail)) for mail in mails]

    def take_settled(self) -> list[Settled]:
        """The outcomes since the last call; for `write`, which may run in another thread."""
        settled, self._settled = self._settled, []
        return settled

    def write(self, settled: list[Settled]) -> None:
        """Write outcomes to the database; lost ones are found in the journal at the next start."""
        if settled:
            self._journal.sync()
            with self._engine.begin() as connection:
                for mail, outcome in settled:
                    settle(connection, mail, outcome)

    def prune(self) -> None:
        """Delete rows of mails that ended long ago."""
        with self._engine.begin() as connection:
            outgoing_mail.prune(connection)

    def _prepare(self, mail: OutgoingMail) -> Callable[[], Parcel]:
        """What makes the mail; a copy of a digest reads the database, so it is made here."""
        if mail.kind == "digest-copy":
            try:
                content = self._render_copy(mail)
            except LookupError as error:
                return partial(_fail, error)
            return partial(self._parcel, mail, content)
        return partial(self._render, mail)

    def _job(self, mail: OutgoingMail, render: Callable[[], Parcel]) -> DeliveryJob:
        return DeliveryJob(
            _name(mail.id),
            mail.attempts,
            self._journal,
            render,
            partial(self._settle, mail),
        )

    def _render(self, mail: OutgoingMail) -> Parcel:
        content = render_single(mail, self._settings.public_url, self._settings.mail)
        if self._signer:
            content = sign_message(self._signer, content, int(mail.created.timestamp()))
        return self._parcel(mail, content)

    def _parcel(self, mail: OutgoingMail, content: bytes) -> Parcel:
        sender = self._settings.mail.sender
        return Parcel(_name(mail.id), mail.attempts, sender, mail.recipient, content)

    def _settle(self, mail: OutgoingMail, outcome: Outcome) -> None:
        self._settled.append((mail, outcome))
        if outcome.state == "sent" and "path" in mail.fields and self._settings.mail.server is None:
            # Without a mail server a newcomer has no inbox: the terminal shows the link.
            link = link_of(mail, self._settings.public_url)
            log.info("mail written", notice=f"{mail.kind} mail: {link}")


def _fail(error: Exception) -> Parcel:
    raise error


def settle(connection: Connection, mail: OutgoingMail, outcome: Outcome) -> None:
    """Record the outcome of one attempt."""
    match outcome.state:
        case "untried":
            outgoing_mail.retry(connection, mail.id, 1, outcome.reply, mail.attempts)
        case "deferred" if mail.attempts < MAX_ATTEMPTS:
            pause = retry_pause(mail.attempts)
            outgoing_mail.retry(connection, mail.id, pause, outcome.reply, mail.attempts)
        case "deferred":
            reply = f"given up after {mail.attempts} attempts: {outcome.reply}"
            outgoing_mail.finish(connection, mail.id, "refused", reply, mail.attempts)
        case state:
            outgoing_mail.finish(connection, mail.id, state, outcome.reply, mail.attempts)


def abandon_all(connection: Connection) -> None:
    """Give up every mail that waits: the database is a copy, so each may have been sent.

    People ask for another one.
    """
    number = outgoing_mail.abandon(connection, "the database was restored meanwhile")
    if number:
        log.warning("single mails may have been sent, and are not sent again", mails=number)


def _name(mail_id: int) -> str:
    return f"single/{mail_id}"


def _id(name: str) -> int:
    return int(name.removeprefix("single/"))


def _recover(
    connection: Connection, mail_id: int, before: MailProgress | None, complete: bool
) -> None:
    match before:
        case None if complete:
            outgoing_mail.retry(connection, mail_id, 0, "the mailer ended before it was offered")
        case MailProgress(state="deferred", reply=reply):
            outgoing_mail.retry(connection, mail_id, 60, reply)
        case MailProgress(state="sent", reply=reply):
            outgoing_mail.finish(connection, mail_id, "sent", reply)
        case MailProgress(state="refused", reply=reply):
            outgoing_mail.finish(connection, mail_id, "refused", reply)
        case _:
            # Its owner asks for another one; this one is never sent again.
            log.warning("a single mail may have been sent, and is not sent again", mail=mail_id)
            outgoing_mail.finish(connection, mail_id, "ambiguous", "the mailer ended meanwhile")
