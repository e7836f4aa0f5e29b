"""Double opt-in: a request asks for a confirmation mail, and its link makes a subscriber."""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from infra.errors import VerdictsError
from projections.private import outgoing_mail
from projections.private.hourly_counts import HourlyLimit, LimitReached, count_within
from projections.private.subscribers.addresses import CheckedAddress
from projections.private.subscribers.links import Signup
from projections.private.subscribers.suppressions import (
    OWN_REASONS,
    find_suppression,
    lift_suppression,
)

MAILS_TO_ADDRESS = 3
"""Confirmation mails an hour to one address."""
MAILS_FROM_PREFIX = 20
"""Confirmation mails an hour for callers of one network prefix."""

# A link changes nothing twice: what its owner chose since then stays.
_CONFIRM = text(
    """
    insert into verdicts.subscribers as present (
        id, address, canonical, frequency, topics, timezone, requested, confirmed, consent_source
    ) values (
        :id, :address, :canonical, coalesce(:frequency, 'weekly'),
        coalesce(cast(:topics as text[]), '{}'), coalesce(:timezone, 'UTC'),
        :requested, :confirmed, :source
    )
    on conflict (id) do update set
        address = excluded.address, frequency = coalesce(:frequency, present.frequency),
        topics = coalesce(cast(:topics as text[]), present.topics),
        timezone = coalesce(:timezone, present.timezone),
        requested = excluded.requested, confirmed = excluded.confirmed,
        consent_source = excluded.consent_source, unsubscribed = null, soft_bounces = 0
    where present.requested < excluded.requested
    """
)


class SignupRefused(VerdictsError):  # noqa: N818 - an outcome, named for what it is
    """The link is older than an erasure, or the address gets no mail."""


def request_confirmation(
    connection: Connection, address: CheckedAddress, subscriber_id: str, prefix: str, path: str
) -> bool:
    """Queue a confirmation mail; False when a limit or a suppression forbids it.

    Whether the address has a subscription makes no difference: nothing looks. For a suppressed one
    the same statements run, so that no time tells of it either; its mail is rolled back.

    Args:
        connection: In a transaction.
        address: Gets the mail.
        subscriber_id: Its id.
        prefix: The caller's network prefix.
        path: The path of the link.
    """
    limits = [
        HourlyLimit("mail-to", subscriber_id, MAILS_TO_ADDRESS),
        HourlyLimit("mail-from", prefix, MAILS_FROM_PREFIX),
    ]
    try:
        with connection.begin_nested():
            count_within(connection, limits)
    except LimitReached:
        return False
    suppression = find_suppression(connection, subscriber_id)
    may_be_sent = suppression is None or suppression.reason in OWN_REASONS
    with connection.begin_nested() as attempt:
        outgoing_mail.enqueue(connection, "confirmation", address.ascii, {"path": path})
        if not may_be_sent:
            attempt.rollback()
    return may_be_sent


def confirm(
    connection: Connection,
    address: CheckedAddress,
    subscriber_id: str,
    signup: Signup,
    now: datetime,
) -> bool:
    """Make or renew the subscription; False when this request was confirmed before.

    Raises:
        SignupRefused: The data was erased since the request, or the address gets no mail.
    """
    requested = datetime.fromtimestamp(signup.requested / 1_000_000, UTC)
    suppression = find_suppression(connection, subscriber_id)
    if suppression:
        if suppression.reason not in OWN_REASONS:
            raise SignupRefused("We send no mail to this address; please use another one.")
        if suppression.since >= requested:
            raise SignupRefused("This link was used before; subscribe again to get a new one.")
        lift_suppression(connection, subscriber_id)
    row = {
        "id": subscriber_id,
        "address": address.typed,
        "canonical": address.canonical,
        "frequency": signup.frequency,
        "topics": None if signup.topics is None else list(signup.topics),
        "timezone": signup.timezone,
        "requested": requested,
        "confirmed": now,
        "source": signup.source,
    }
    return connection.execute(_CONFIRM, row).rowcount == 1
