"""How often something happened in an hour, per purpose and key: rows of `verdicts.hourly_counts`.

A key is a network prefix, or the id of an address. Its hour starts with the first count, by the
database's clock.
"""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, text

Purpose = Literal["new-voter", "mail-to", "mail-from", "sign-in-to", "sign-in-from"]
"""New voters per prefix; mails asked for, per address that gets them and per caller's prefix."""

# One statement, so that a new voter costs one round trip. Two at once may both find room for one;
# the later then counts, and finds by the count that it was too many.
_COUNT = text(
    """
    with tier as (
        select * from unnest(
            cast(:purposes as text[]), cast(:keys as text[]), cast(:limits as bigint[])
        ) with ordinality as each_tier (purpose, key, most, place)
    ), refused as (
        select tier.purpose, coalesce(
            extract(epoch from since + interval '1 hour' - clock_timestamp()), 3600
        )::float8 as seconds
        from tier left join verdicts.hourly_counts as counted
            on counted.purpose = tier.purpose and counted.key = tier.key
            and since > clock_timestamp() - interval '1 hour'
        where coalesce(count, 0) >= most order by place limit 1
    ), counted as (
        insert into verdicts.hourly_counts as counted (purpose, key, since, count)
        select purpose, key, clock_timestamp(), 1 from tier
        where not exists (select from refused) order by place
        on conflict (purpose, key) do update set (since, count) = (
            select case when is_over then excluded.since else counted.since end,
                   case when is_over then 1 else counted.count + 1 end
            from (select counted.since <= excluded.since - interval '1 hour' as is_over) as hour
        )
        returning purpose, key, count,
            extract(epoch from since + interval '1 hour' - clock_timestamp())::float8 as seconds
    )
    select purpose, seconds from refused
    union all
    select purpose, seconds from counted join tier using (purpose, key) where count > most
    """
)
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


def count_within(connection: Connection, limits: Sequence[HourlyLimit]) -> None:
    """Count once under each key, in an order that all callers of these purposes share.

    Raises:
        LimitReached: A limit is reached, and nothing is counted. Only where another transaction
            took the last place meanwhile this one stays counted, unless it is rolled back.
    """
    full = connection.execute(
        _COUNT,
        {
            "purposes": [limit.purpose for limit in limits],
            "keys": [limit.key for limit in limits],
            "limits": [limit.limit for limit in limits],
        },
    ).first()
    if full is not None:
        raise LimitReached(full.purpose, max(1, math.ceil(full.seconds)))


def prune_counts(connection: Connection) -> None:
    """Delete the rows of keys whose hour is over."""
    connection.execute(_PRUNE)


def read_counts(connection: Connection, purpose: Purpose) -> dict[str, int]:
    """Read the current counts of a purpose by key."""
    rows = connection.execute(_CURRENT, {"purpose": purpose})
    return {row["key"]: row["count"] for row in rows.mappings()}
