"""The digest mails of a mailer: claimed in small groups, personalised, and settled."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy import Connection, Engine

from infra.settings import Settings
from projections.private.accounts.people import find_voter_of
from projections.private.leadership_terms import require_term
from projections.private.ledger import claims, issues
from projections.private.ledger.claims import DigestMail, SettledMail
from projections.private.outgoing_mail import OutgoingMail
from projections.private.subscribers.addresses import parse_address
from projections.private.subscribers.links import SubscriptionLinks
from projections.read.voters import list_saved_slugs
from publishers.mailer.bounces.bounce_tokens import BounceTokens
from publishers.mailer.delivery.connection_pool import DeliveryJob
from publishers.mailer.delivery.journal import MailJournal
from publishers.mailer.delivery.outcome import Outcome, Parcel
from publishers.mailer.delivery.settled_mails import settled_mail
from publishers.mailer.delivery.warm_up import WarmUp
from publishers.mailer.issues import holds, recovery
from publishers.mailer.issues.editions import render_edition
from publishers.mailer.issues.saved_tools import SavedToolSections
from publishers.mailer.messages.dkim import DkimSigner
from publishers.mailer.messages.edition import Edition, PersonalFields
from publishers.mailer.messages.saved_section import SavedSection

log = structlog.get_logger(__name__)
EditionKey = tuple[str, str, tuple[str, ...]]


class DigestMails:
    """Claims, renders and settles the mails of all issues.

    Args:
        engine: The database.
        settings: Of this process.
        folder: Where the journals lie.
        signer: Signs mails; None: unsigned.
    """

    def __init__(
        self, engine: Engine, settings: Settings, folder: Path, signer: DkimSigner | None
    ) -> None:
        self._engine, self._settings, self._folder = engine, settings, folder
        self._signer = signer
        self._term = 0
        self._journals: dict[str, MailJournal] = {}
        self._editions: dict[EditionKey, Edition] = {}
        self._warm_up = WarmUp(settings.mail)
        self._saved_tools = SavedToolSections(settings.public_url)
        self._sections: dict[str, SavedSection] = {}
        self._settled: list[SettledMail] = []
        self._links = SubscriptionLinks(settings.secret_keys, settings.voter_key)
        self._bounces = BounceTokens(settings.voter_key, settings.mail)

    def recover(self, term: int) -> None:
        """Begin the term in the journal of each issue that is not done; hold what is not right."""
        self._term = term
        with self._engine.begin() as connection:
            weeks = [each.week for each in issues.list_issues(connection) if each.state != "done"]
        for week in weeks:
            self.open_issue(week)

    def open_issue(self, week: str) -> None:
        """Begin the term in an issue's journal, and settle what a former term left behind."""
        if week in self._journals:
            return
        journal = MailJournal(self._folder / f"{week}.journal")
        history = journal.begin(self._term)
        self._journals[week] = journal
        with self._engine.begin() as connection:
            issue = issues.find_issue(connection, week)
            if issue is not None and issue.state == "reconciling":
                if not history.mails:
                    holds.hold(connection, week, holds.NO_JOURNAL)
                    return
                for row, reply in recovery.rows_of_journal(week, history):
                    claims.force_row(connection, week, row, reply)
                issues.set_issue_state(connection, week, "sending")
            recovered = recovery.recover(week, claims.read_rows(connection, week), history)
            if recovered.unknown:
                holds.hold(connection, week, holds.RESTORED)
                return
            if recovered.results:
                claims.settle_mails(connection, recovered.results)

    def open_new(self) -> None:
        """Open the journals of new issues, and take over what one says where an operator asks."""
        with self._engine.begin() as connection:
            current = [each for each in issues.list_issues(connection) if each.state != "done"]
        for issue in current:
            if issue.state == "reconciling" and (journal := self._journals.pop(issue.week, None)):
                journal.close()
            self.open_issue(issue.week)

    def claim(self, limit: int, blocked: Sequence[str]) -> list[DigestMail]:
        """Claim mails that are due."""
        with self._engine.begin() as connection:
            require_term(connection, self._term)
            cutoff = self._settings.mail.cutoff_hours
            allowed = self._warm_up.allow(connection, limit)
            mails = claims.claim_mails(
                connection, self._term, allowed, cutoff, list(self._journals), blocked
            )
            self._warm_up.count(connection, len(mails))
            if not mails:
                issues.finish_issues(connection)
        for mail in mails:
            self._edition((mail.week, mail.frequency, mail.topics))
        if any(mail.voter for mail in mails):
            with self._snapshot() as connection:
                self._sections |= self._saved_tools.of_mails(connection, mails)
        return mails

    def job(self, mail: DigestMail) -> DeliveryJob:
        """The job of a claimed mail."""
        journal = self._journals[mail.week]
        render: Callable[[], Parcel] = partial(self._personalise, mail)
        settle = partial(self._settle, mail)
        return DeliveryJob(mail.name, mail.attempt, journal, render, settle)

    def skip(self, mail: DigestMail) -> None:
        """Settle a mail whose owner has left since the issue started."""
        self._settled.append(
            SettledMail(
                mail.week, mail.subscriber, mail.attempt, "refused", "unsubscribed meanwhile"
            )
        )

    def give_back(self, mail: DigestMail) -> None:
        """Settle a mail that was claimed and not tried."""
        self._sections.pop(mail.name, None)
        self._settle(mail, Outcome("untried", ""))

    def take_settled(self) -> list[SettledMail]:
        """The outcomes since the last call; for `write`, which may run in another thread."""
        settled, self._settled = self._settled, []
        return settled

    def write(self, settled: list[SettledMail]) -> None:
        """Write outcomes to the ledger, once the journal's are on disk."""
        if not settled:
            return
        for week in {each.week for each in settled}:
            self._journals[week].sync()
        with self._engine.begin() as connection:
            claims.settle_mails(connection, settled, self._term)
            self._warm_up.count(connection, -sum(each.untried for each in settled))
            for each in settled:
                if each.bounce:
                    self._bounces.record_refusal(connection, each)

    def _edition(self, key: EditionKey) -> Edition:
        """Render an edition once."""
        if key in self._editions:
            return self._editions[key]
        url = self._settings.public_url
        with self._snapshot() as connection:
            text = render_edition(connection, url, self._settings.mail, *key)
        host = urlsplit(url).hostname or "localhost"
        return self._editions.setdefault(
            key, Edition(text, self._settings.mail, host, self._signer)
        )

    def _snapshot(self) -> AbstractContextManager[Connection]:
        return self._engine.execution_options(isolation_level="REPEATABLE READ").connect()

    def _personalise(self, mail: DigestMail) -> Parcel:
        edition = self._editions[mail.week, mail.frequency, mail.topics]
        now, url = int(time.time()), self._settings.public_url
        return_path = self._bounces.return_path(mail.week, mail.subscriber)
        message_id = f"{mail.week.lower()}.{mail.subscriber}@{self._settings.mail.domain}"
        fields = PersonalFields(
            message_id=message_id,
            recipient=mail.address,
            preferences=url + self._links.preferences_path(mail.subscriber, now),
            unsubscribe=url + self._links.unsubscribe_path(mail.subscriber),
            return_path=return_path,
            now=now,
            saved=self._sections.pop(mail.name, SavedSection()),
        )
        content = edition.personalise(fields)
        return Parcel(mail.name, mail.attempt, return_path, mail.address, content)

    def render_copy(self, copy: OutgoingMail) -> bytes:
        """A copy of an edition for somebody who need not be a subscriber."""
        week, url = str(copy.fields["week"]), self._settings.public_url
        address = parse_address(copy.recipient)
        reader, now = self._links.id_of(address), int(copy.created.timestamp())
        stamp = int(copy.created.timestamp() * 1_000_000)
        fields = PersonalFields(
            message_id=f"{week.lower()}.copy.{stamp}@{self._settings.mail.domain}",
            recipient=copy.recipient,
            preferences=url + self._links.preferences_path(reader, now),
            unsubscribe=url + self._links.unsubscribe_path(reader),
            return_path=self._settings.mail.sender,
            now=now,
            saved=self._saved_section(week, address.canonical),
        )
        return self._edition((week, "weekly", ())).personalise(fields)

    def _saved_section(self, week: str, canonical: str) -> SavedSection:
        """The section for the account of an address; empty without one."""
        with self._snapshot() as connection:
            voter = find_voter_of(connection, canonical)
            if voter is None:
                return SavedSection()
            tools = list_saved_slugs(connection, [voter]).get(voter, [])
            return self._saved_tools.section(connection, (week, "weekly"), tools)

    def _settle(self, mail: DigestMail, outcome: Outcome) -> None:
        self._settled.append(settled_mail(mail, outcome))
