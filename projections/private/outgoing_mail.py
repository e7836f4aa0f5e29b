"""Single mails on their way, such as confirmations: the rows of `verdicts.outgoing_mail`.

The API inserts a row; `verdicts mailer` renders the mail from its kind and fields, and sends it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import Connection, text

from infra.postgres.engine import notify
from schemas.channels import Channel

MailKind = Literal["confirmation", "sign-in", "digest-copy"]
MAIL_KINDS: tuple[MailKind, ...] = get_args(MailKind)
KEPT_DAYS = 1
MAX_ATTEMPTS = 6

_ENQUEUE = text(
    """
    insert into verdicts.outgoing_mail (kind, recipient, fields)
    values (:kind, :recipient, cast(:fields as jsonb)) returning id
    """
)
# Rows that another mailer holds are skipped, so a row is claimed once.
_CLAIM = text(
    """
    update verdicts.outgoing_mail as mail
    set state = 'sending', attempts = mail.attempts + 1, changed = clock_timestamp()
    from (
        select id from verdicts.outgoing_mail
        where state = 'queued' and due <= clock_timestamp()
        order by due, id limit :limit for update skip locked
    ) as next
    where mail.id = next.id
    returning mail.id, mail.kind, mail.recipient, mail.fields, mail.attempts, mail.created
    """
)
# Links are secrets: a row that needs them no more forgets them.
_FINISH = text(
    """
    update verdicts.outgoing_mail
    set state = :state, reply = :reply, fields = '{}', changed = clock_timestamp()
    where id = :id and state in ('sending', 'ambiguous')
        and attempts = coalesce(cast(:attempt as int), attempts)
    """
)
_RETRY = text(
    """
    update verdicts.outgoing_mail
    set state = 'queued', reply = :reply, changed = clock_timestamp(),
        due = clock_timestamp() + make_interval(secs => :seconds)
    where id = :id and state = 'sending'
        and attempts = coalesce(cast(:attempt as int), attempts)
    """
)
_ABANDON = text(
    """
    update verdicts.outgoing_mail
    set state = 'ambiguous', reply = :reply, fields = '{}', changed = clock_timestamp()
    where state in ('queued', 'sending')
    """
)
_SENDING = text(
    "select id, attempts from verdicts.outgoing_mail where state = 'sending' order by id"
)
_SKIP_IDS = text(
    """
    select setval(sequence, greatest(nextval(sequence), :greatest))
    from pg_get_serial_sequence('verdicts.outgoing_mail', 'id') as sequence
    """
)
_PRUNE = text(
    """
    delete from verdicts.outgoing_mail
    where state <> 'queued' and changed < clock_timestamp() - make_interval(days => :days)
    """
)
_COUNTS = text("select state, count(*) from verdicts.outgoing_mail group by state")


class OutgoingMail(msgspec.Struct, frozen=True):
    """A claimed mail.

    Attributes:
        id: Names the mail.
        kind: Which template renders it.
        recipient: Address, as its owner wrote it.
        fields: What the template shows.
        attempts: Attempts to send it, this one included.
        created: When it was asked for.
    """

    id: int
    kind: MailKind
    recipient: str
    fields: dict[str, Any]
    attempts: int
    created: datetime


def enqueue(
    connection: Connection, kind: MailKind, recipient: str, fields: Mapping[str, Any]
) -> int:
    """Insert a mail and wake the mailer when the transaction commits; return the mail's id.

    Args:
        connection: In a transaction of the caller.
        kind: Which template renders the mail.
        recipient: Address, checked by the caller.
        fields: What the template shows, as JSON values; `path` is the link's path on the site.
    """
    row = {
        "kind": kind,
        "recipient": recipient,
        "fields": msgspec.json.encode(dict(fields)).decode(),
    }
    mail_id = int(connection.execute(_ENQUEUE, row).scalar_one())
    notify(connection, Channel.MAIL, [""])
    return mail_id


def claim(connection: Connection, limit: int) -> list[OutgoingMail]:
    """Claim the oldest mails that are due; they are `sending` from the commit on."""
    rows = connection.execute(_CLAIM, {"limit": limit}).mappings().all()
    return sorted((msgspec.convert(dict(row), OutgoingMail) for row in rows), key=lambda m: m.id)


def finish(
    connection: Connection,
    mail_id: int,
    state: Literal["sent", "refused", "ambiguous"],
    reply: str,
    attempt: int | None = None,
) -> None:
    """Record how an attempt ended, and forget the mail's fields; no later attempt is touched."""
    row = {"id": mail_id, "state": state, "reply": reply, "attempt": attempt}
    connection.execute(_FINISH, row)


def retry(
    connection: Connection, mail_id: int, seconds: float, reply: str, attempt: int | None = None
) -> None:
    """Queue a mail again after a pause of `seconds`, unless a later attempt is under way."""
    row = {"id": mail_id, "seconds": seconds, "reply": reply, "attempt": attempt}
    connection.execute(_RETRY, row)


def abandon(connection: Connection, reply: str) -> int:
    """Count all mails that have not ended as ambiguous; return how many.

    Args:
        connection: In a transaction of the caller.
        reply: Why, for the rows.
    """
    return connection.execute(_ABANDON, {"reply": reply}).rowcount


def list_sending(connection: Connection) -> list[tuple[int, int]]:
    """Ids and attempts of mails that are under way, or were when a mailer died."""
    return [(row[0], row[1]) for row in connection.execute(_SENDING)]


def skip_ids(connection: Connection, greatest: int) -> None:
    """Give new mails ids that are greater than this one."""
    connection.execute(_SKIP_IDS, {"greatest": greatest})


def prune(connection: Connection) -> None:
    """Delete mails that ended more than a day ago."""
    connection.execute(_PRUNE, {"days": KEPT_DAYS})


def count_by_state(connection: Connection) -> dict[str, int]:
    """Number of mails in each state."""
    return {state: count for state, count in connection.execute(_COUNTS)}  # noqa: C416
