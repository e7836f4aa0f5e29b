"""Subscriptions: read, changed, ended and erased; the rows of `verdicts.subscribers`."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from projections.private.subscribers.preferences import Frequency, Preferences
from projections.private.subscribers.suppressions import (
    OWN_REASONS,
    Reason,
    find_suppression,
    lift_suppression,
    suppress,
)

_SELECT = """
    select id, address, frequency, topics, timezone, paused_until, requested, confirmed,
           consent_source, unsubscribed, soft_bounces, reason as suppressed
    from verdicts.subscribers left join (
        select id, reason from verdicts.suppressions
    ) as suppressions using (id)
"""
_FIND = text(f"{_SELECT} where id = :id")
_LIST = text(f"{_SELECT} order by canonical")
_SAVE = text(
    """
    update verdicts.subscribers set frequency = :frequency, topics = :topics,
        timezone = :timezone, paused_until = :paused_until
    where id = :id
    """
)
_UNSUBSCRIBE = text(
    "update verdicts.subscribers set unsubscribed = coalesce(unsubscribed, :now) where id = :id"
)
_RESUBSCRIBE = text("update verdicts.subscribers set unsubscribed = null where id = :id")
_ERASE = text("delete from verdicts.subscribers where id = :id returning canonical")
_ERASE_MAILS = text("delete from verdicts.outgoing_mail where lower(recipient) = :canonical")
# Mail servers repeat addresses in their replies.
_ERASE_REPLIES = text("update verdicts.mail_ledger set reply = '' where subscriber = :id")
_ERASE_BOUNCES = text("update verdicts.mail_bounces set detail = '' where subscriber = :id")


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription; the package says what each column holds.

    `suppressed` is the reason for which the address gets no mail, or None.
    """

    id: str
    address: str
    frequency: Frequency
    topics: tuple[str, ...]
    timezone: str
    paused_until: date | None
    requested: datetime
    confirmed: datetime
    consent_source: str
    unsubscribed: datetime | None
    soft_bounces: int
    suppressed: Reason | None

    @property
    def preferences(self) -> Preferences:
        """What the subscriber chose."""
        return Preferences(self.frequency, self.topics, self.timezone, self.paused_until)

    @property
    def state(self) -> str:
        """`subscribed`, `unsubscribed`, or `suppressed`; a pause is a state of `subscribed`."""
        if self.suppressed:
            return "suppressed"
        return "unsubscribed" if self.unsubscribed else "subscribed"


def find_subscriber(connection: Connection, subscriber_id: str) -> Subscriber | None:
    """The subscription with this id, also one that ended."""
    row = connection.execute(_FIND, {"id": subscriber_id}).mappings().one_or_none()
    return _subscriber(row) if row else None


def list_subscribers(connection: Connection) -> Iterator[Subscriber]:
    """All subscriptions in the order of their addresses, read as they are consumed."""
    rows = connection.execution_options(yield_per=500).execute(_LIST).mappings()
    return map(_subscriber, rows)


def save_preferences(
    connection: Connection, subscriber_id: str, preferences: Preferences
) -> Subscriber | None:
    """Change a subscription; None if there is none."""
    row = msgspec.structs.asdict(preferences) | {"id": subscriber_id}
    connection.execute(_SAVE, row | {"topics": list(preferences.topics)})
    return find_subscriber(connection, subscriber_id)


def unsubscribe(connection: Connection, subscriber_id: str, source: str, now: datetime) -> None:
    """End a subscription; an id without one gets no mail from now on either.

    Args:
        connection: In a transaction.
        subscriber_id: The id, from a token of ours.
        source: Who said so, such as `one click`.
        now: The present time.
    """
    changed = connection.execute(_UNSUBSCRIBE, {"id": subscriber_id, "now": now}).rowcount
    if not changed and not find_suppression(connection, subscriber_id):
        suppress(connection, subscriber_id, "unsubscribed", source, now)


def resubscribe(connection: Connection, subscriber_id: str) -> Subscriber | None:
    """Begin an ended subscription again, on its owner's word; None if there is none."""
    suppression = find_suppression(connection, subscriber_id)
    if suppression and suppression.reason in OWN_REASONS:
        lift_suppression(connection, subscriber_id)
    connection.execute(_RESUBSCRIBE, {"id": subscriber_id})
    return find_subscriber(connection, subscriber_id)


def erase(connection: Connection, subscriber_id: str, source: str, now: datetime) -> bool:
    """Delete a subscription, mails on their way to it and replies that name it.

    Rows under the id remain: the suppression, and which issues were sent.

    False if there was no subscription; the suppression is written all the same.
    """
    canonical = connection.execute(_ERASE, {"id": subscriber_id}).scalar_one_or_none()
    suppress(connection, subscriber_id, "erased", source, now)
    for replies in (_ERASE_REPLIES, _ERASE_BOUNCES):
        connection.execute(replies, {"id": subscriber_id})
    if canonical is None:
        return False
    connection.execute(_ERASE_MAILS, {"canonical": canonical})
    return True


def _subscriber(row: Any) -> Subscriber:
    return Subscriber(**{**row, "topics": tuple(row["topics"])})
