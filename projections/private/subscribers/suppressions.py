"""Ids of addresses that get no mail: the rows of `verdicts.suppressions`.

They hold no address, so they outlive an erasure: an import of an old list adds nobody again.
"""

from datetime import datetime
from typing import Literal, get_args

import msgspec
from sqlalchemy import Connection, text

Reason = Literal["unsubscribed", "erased", "bounce", "complaint", "operator"]
REASONS: tuple[Reason, ...] = get_args(Reason)
OWN_REASONS = ("unsubscribed", "erased")
"""Reasons that the owner of the address lifts by subscribing again."""

# A reason of the owner gives way to one that only an operator lifts, never the other way round.
_SUPPRESS = text(
    """
    insert into verdicts.suppressions as present (id, reason, source, since)
    values (:id, :reason, :source, :since)
    on conflict (id) do update
    set reason = excluded.reason, source = excluded.source, since = excluded.since
    where present.reason in ('unsubscribed', 'erased')
    """
)
_FIND = text("select id, reason, source, since from verdicts.suppressions where id = :id")
_LIFT = text("delete from verdicts.suppressions where id = :id")
_LIST = text("select id, reason, source, since from verdicts.suppressions order by since, id")


class Suppression(msgspec.Struct, frozen=True):
    """Why an address gets no mail, on whose word, and since when."""

    id: str
    reason: Reason
    source: str
    since: datetime


def suppress(
    connection: Connection, subscriber_id: str, reason: Reason, source: str, now: datetime
) -> None:
    """Let an address get no mail from now on."""
    row = {"id": subscriber_id, "reason": reason, "source": source, "since": now}
    connection.execute(_SUPPRESS, row)


def find_suppression(connection: Connection, subscriber_id: str) -> Suppression | None:
    """Why an address gets no mail; None if it may get some."""
    row = connection.execute(_FIND, {"id": subscriber_id}).mappings().one_or_none()
    return msgspec.convert(dict(row), Suppression) if row else None


def lift_suppression(connection: Connection, subscriber_id: str) -> bool:
    """Let an address get mail again; False if nothing kept it from that."""
    return connection.execute(_LIFT, {"id": subscriber_id}).rowcount == 1


def list_suppressions(connection: Connection) -> list[Suppression]:
    """All of them, the oldest first."""
    return [msgspec.convert(dict(row), Suppression) for row in connection.execute(_LIST).mappings()]
