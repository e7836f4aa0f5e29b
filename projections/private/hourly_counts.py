"""How often something happened in an hour, per purpose and key: rows of `verdicts.hourly_counts`.

A key is a network prefix, or the id of an address. Its hour starts with the first count, by the
database's clock.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, text

Purpose = Literal["new-voter", "mail-to", "mail-from", "sign-in-to", "sign-in-from"]
"""New voters per prefix; mails asked for, per address that gets them and per caller's prefix."""

# One statement, so that a new voter costs one round trip. Two at once may both find room for one;
# the later then counts, and finds by the count that it was too many.
_COUNT = text(
    """
    with tier as (
        select * from unnest(
            cast(:purposes as text[]), cast(:keys as text[]), cast(:limits as bigint[]),
            cast(:amounts as bigint[])
        ) with ordinality as each_tier (purpose, key, most, amount, place)
    ), refused as (
        select tier.purpose, coalesce(
            extract(epoch from since + interval '1 hour' - clock_timestamp()), 3600
        )::float8 as seconds
        from tier left join verdicts.hourly_counts as counted
            on counted.purpose = tier.purpose and counted.key = tier.key
            and since > clock_timestamp() - interval '1 hour'
        where coalesce(count, 0) >= most and not cast(:admitted as boolean)
        order by place limit 1
    ), counted as (
        insert into verdicts.hourly_counts as counted (purpose, key, since, count)
        select purpose, key, clock_timestamp(), amount from tier
        where not exists (select from refused) order by place
        on conflict (purpose, key) do update set (since, count) = (
            select case when is_over then excluded.since else counted.since end,
                   excluded.count + case when is_over then 0 else counted.count end
            from (select counted.since <= excluded.since - interval '1 hour' as is_over) as hour
        )
        returning purpose, key, count,
            extract(epoch from since + interval '1 hour' - clock_timestamp())::float8 as seconds
    )
    select purpose, seconds, -1 as room, 0 as place from refused
    union all
    select purpose, seconds, most - count, place from counted join tier using (purpose, key)
    order by place
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


def count_within(connection: Connection, limits: Sequence[HourlyLimit]) -> dict[HourlyLimit, int]:
    """Count once under each key, in an order that all callers of these purposes share.

    Returns:
        How often each key may still count.

    Raises:
        LimitReached: A limit is reached, and nothing is counted. Only where another transaction
            took the last place meanwhile this one stays counted, unless it is rolled back.
    """
    rows = _count(connection, limits, [1] * len(limits), admitted=False)
    for row in rows:
        if row.room < 0:
            raise LimitReached(row.purpose, max(1, math.ceil(row.seconds)))
    return {limit: row.room for limit, row in zip(limits, rows, strict=True)}


def add_counts(
    connection: Connection, amounts: Mapping[HourlyLimit, int]
) -> dict[HourlyLimit, int]:
    """Count what happened already, so often under each key; returns as `count_within`."""
    # Rows are locked in this order by all, and narrow limits come first in `count_within` too.
    limits = sorted(amounts, key=lambda limit: (limit.limit, limit.key))
    rows = _count(connection, limits, [amounts[limit] for limit in limits], admitted=True)
    return {limit: row.room for limit, row in zip(limits, rows, strict=True)}


def _count(
    connection: Connection, limits: Sequence[HourlyLimit], amounts: list[int], *, admitted: bool
) -> Sequence[Row[Any]]:
    """The room of each limit after the count, in their order; or one row, of the refusal."""
    parameters = {
        "purposes": [limit.purpose for limit in limits],
        "keys": [limit.key for limit in limits],
        "limits": [limit.limit for limit in limits],
        "amounts": amounts,
        "admitted": admitted,
    }
    return connection.execute(_COUNT, parameters).all()


def prune_counts(connection: Connection) -> None:
    """Delete the rows of keys whose hour is over."""
    connection.execute(_PRUNE)


def read_counts(connection: Connection, purpose: Purpose) -> dict[str, int]:
    """Read the current counts of a purpose by key."""
    rows = connection.execute(_CURRENT, {"purpose": purpose})
    return {row["key"]: row["count"] for row in rows.mappings()}
