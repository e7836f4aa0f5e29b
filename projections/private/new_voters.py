"""How many new voters each network prefix created in an hour: the rows of `verdicts.new_voters`.

A prefix's hour starts with its first new voter, by the database's clock.
"""

import math
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, text

_COUNT = text(
    """
    insert into verdicts.new_voters as counted (prefix, since, count)
    values (:prefix, clock_timestamp(), 1)
    on conflict (prefix) do update set (since, count) = (
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
    delete from verdicts.new_voters where prefix in (
        select prefix from verdicts.new_voters
        where since <= clock_timestamp() - interval '1 hour' for update skip locked
    )
    """
)
_CURRENT = text(
    "select prefix, count from verdicts.new_voters "
    "where since > clock_timestamp() - interval '1 hour' order by prefix"
)


class NewVoterTier(msgspec.Struct, frozen=True):
    """A network prefix, and how many new voters it may create in an hour."""

    prefix: str
    limit: int


class TooManyNewVoters(Exception):  # noqa: N818 - an outcome, named for what it is
    """A prefix has reached its limit; its hour is over after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many new voters for {seconds} s")
        self.seconds = seconds


def count_new_voter(connection: Connection, tiers: Iterable[NewVoterTier]) -> None:
    """Count a new voter in each tier, the narrowest prefix first.

    Raises:
        TooManyNewVoters: A tier is full; the caller rolls the transaction back.
    """
    connection.execute(_DO_NOT_WAIT_FOR_DISK)
    for tier in tiers:
        count, seconds = connection.execute(_COUNT, {"prefix": tier.prefix}).one()
        if count > tier.limit:
            raise TooManyNewVoters(max(1, math.ceil(seconds)))


def prune_new_voters(connection: Connection) -> None:
    """Delete the rows of prefixes whose hour is over."""
    connection.execute(_PRUNE)


def read_new_voters(connection: Connection) -> dict[str, int]:
    """Read the current counts by prefix."""
    return {row["prefix"]: row["count"] for row in connection.execute(_CURRENT).mappings()}
