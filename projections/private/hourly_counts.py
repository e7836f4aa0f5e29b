"""How often something happened in an hour, per purpose and key: rows of `verdicts.hourly_counts`.

A key is a network prefix, or the id of an address. Its hour starts with the first count, by the
database's clock.
"""

import math
from collections.abc import Iterable
from typing import Literal

import msgspec
from sqlalchemy import Connection, text

Purpose = Literal["new-voter", "mail-to", "mail-from", "sign-in-to", "sign-in-from"]
"""New voters per prefix; mails asked for, per address that gets them and per caller's prefix."""

_COUNT = text(
    """
    insert into verdicts.hourly_counts as counted (purpose, key, since, count)
    values (:purpose, :key, clock_timestamp(), 1)
    on conflict (purpose, key) do update set (since, count) = (
        select case when is_over then excluded.since else counted.since end,
               case when is_over then 1 else counted.count + 1 end
        from (select counted.since <= excluded.since - interval '1 hour' as is_over) as hour
    )
    returning count, extract(epoch from since + interval '1 hour' - clock_timestamp())::float8
    """
)
# A crash may forget the last moment's counts, and in return a new voter waits for no disk.
_DO_NOT_WAIT_FOR_DISK = text("select set_config('synchronous_commit', 'off', true)")
# Rows that another transaction counts in are skipped, so a deadlock cannot arise.
_PRUNE = text(
    """
    delete from verdicts.hourly_counts where (purpose, key) in (
        select purpose, key from verdicts.hourly_counts
        where since <= clock_timestamp() - interval '1 hour' for update skip locked
    )
    """
)
_CURRENT = text(
    "select key, count from verdicts.hourly_counts "
    "where purpose = :purpose and since > clock_timestamp() - interval '1 hour' order by key"
)


class HourlyLimit(msgspec.Struct, frozen=True):
    """How often a key may count for a purpose in an hour."""

    purpose: Purpose
    key: str
    limit: int


class LimitReached(Exception):  # noqa: N818 - an outcome, named for what it is
    """A key has reached its limit; its hour is over after `seconds`."""

    def __init__(self, purpose: Purpose, seconds: int) -> None:
        super().__init__(f"the limit of {purpose} is reached for {seconds} s")
        self.purpose = purpose
        self.seconds = seconds


def count_within(connection: Connection, limits: Iterable[HourlyLimit]) -> None:
    """Count once under each key, in an order that all callers of these purposes share.

    Raises:
        LimitReached: A limit is reached; the caller rolls the transaction back.
    """
    for limit in limits:
        count, seconds = connection.execute(
            _COUNT, {"purpose": limit.purpose, "key": limit.key}
        ).one()
        if count > limit.limit:
            raise LimitReached(limit.purpose, max(1, math.ceil(seconds)))


def count_without_disk(connection: Connection, limits: Iterable[HourlyLimit]) -> None:
    """As `count_within`, in a transaction that commits without waiting for the disk."""
    connection.execute(_DO_NOT_WAIT_FOR_DISK)
    count_within(connection, limits)


def prune_counts(connection: Connection) -> None:
    """Delete the rows of keys whose hour is over."""
    connection.execute(_PRUNE)


def read_counts(connection: Connection, purpose: Purpose) -> dict[str, int]:
    """Read the current counts of a purpose by key."""
    rows = connection.execute(_CURRENT, {"purpose": purpose})
    return {row["key"]: row["count"] for row in rows.mappings()}
