"""Ballots and bookmarks as rows, and the tallies of tools that they add up to.

`tallies` also holds a tool's version, which every change of the tool's record bumps.
"""

# ruff: noqa: S608 - statements are put together from constants

from collections.abc import Callable, Collection, Mapping

from infra.postgres.statement_pipeline import Statements
from projections.aliases import group_tallies
from projections.aliases.group_tallies import BALLOT_DELTAS, BOOKMARK_DELTAS
from projections.folds.registers import RegisterWrite
from projections.record_keys import RecordKey

# Arrays travel in binary (`%b`): as text, escaping the stamps alone would cost more than a vote's
# decoding and folding together.
_BALLOTS = """
with changed as (
    insert into ballots (voter, tool, choice, stamp)
    select * from unnest(
        %(voters)b::text[], %(tools)b::text[], %(values)b::smallint[], %(stamps)b::bytea[])
    on conflict (voter, tool) do update set choice = excluded.choice, stamp = excluded.stamp
    where excluded.stamp > ballots.stamp
    returning new.voter, new.tool, new.stamp, coalesce(old.choice, 3) as was, new.choice
), deltas as (
    select tool,
        sum((choice = 1)::int - (was = 1)::int) as ship,
        sum((choice = 2)::int - (was = 2)::int) as skip,
        0 as bookmarks
    from changed group by tool
)"""

_BOOKMARKS = """
with changed as (
    insert into bookmarks (voter, tool, kept, stamp, time)
    select * from unnest(
        %(voters)b::text[], %(tools)b::text[], %(values)b::boolean[], %(stamps)b::bytea[],
        %(times)b::bigint[])
    on conflict (voter, tool)
    do update set kept = excluded.kept, stamp = excluded.stamp, time = excluded.time
    where excluded.stamp > bookmarks.stamp
    returning new.voter, new.tool, new.stamp, coalesce(old.kept, false) as was, new.kept
), deltas as (
    select tool, 0 as ship, 0 as skip, sum(kept::int - was::int) as bookmarks
    from changed group by tool
)"""

# Retracting an uncounted vote still inserts a zero row; otherwise the row's existence would depend
# on batching. The row of a tool whose other name was voted for gets a version where it exists: it
# must not depend on a merge that a newer one replaced.
_TALLY = f""", moves as (
    select tool, ship, skip, bookmarks, true as own from deltas
    union all
    select tool, 0, 0, 0, false from group_deltas where (ship, skip, bookmarks) <> (0, 0, 0)
), tallied as (
    insert into tallies (tool, ship, skip, bookmarks, version)
    select tool, sum(ship), sum(skip), sum(bookmarks), nextval('verdicts.version')
    from moves group by tool
    having (sum(ship), sum(skip), sum(bookmarks)) <> (0, 0, 0)
        or bool_or(not own) and exists (select from tallies where tallies.tool = moves.tool)
        or bool_or(own) and not exists (select from tallies where tallies.tool = moves.tool)
    order by tool collate "C"
    on conflict (tool) do update set
        ship = tallies.ship + excluded.ship,
        skip = tallies.skip + excluded.skip,
        bookmarks = tallies.bookmarks + excluded.bookmarks,
        version = nextval('verdicts.version')
    returning tool
), grouped as ({group_tallies.ADD})
select distinct coalesce(aliases.tool, tallied.tool)
from tallied left join aliases on aliases.alias = tallied.tool
"""

_BUMP = """
insert into tallies (tool, ship, skip, bookmarks, version)
select tool, 0, 0, 0, nextval('verdicts.version')
from (
    select tool from unnest(%(tools)s::text[]) as bumped(tool)
    union select tool from tallies where tool = any(%(shown)s)
) as bumped order by tool collate "C"
on conflict (tool) do update set version = nextval('verdicts.version')
"""

# An update that never happens still locks the row.
_LOCK = """
insert into tallies (tool, ship, skip, bookmarks, version)
select tool, 0, 0, 0, nextval('verdicts.version')
from (
    select tool from unnest(%(tools)s::text[]) as locked(tool)
    union select tool from aliases join tallies using (tool) where alias = any(%(tools)s)
) as locked order by tool collate "C"
on conflict (tool) do update set version = tallies.version where false
"""


TALLIED = frozenset({"ballots", "bookmarks"})
# The position of the tool in a row's key, in the tables that change a tool's tally or its version.
_TOOL_POSITIONS = {
    "tools": 0, "first_listings": 0, "retirements": 0, "merges": 0, "revisions": 0,
    "ballots": 1, "bookmarks": 1,
}  # fmt: skip


def lock_tallies(connection: Statements, writes: Mapping[str, list[RegisterWrite]]) -> None:
    """Lock the tallies of all tools in `writes`, where more than one statement changes tallies.

    Each statement locks rows in the order of their keys, but two transactions with two such
    statements each could wait for each other in a circle.
    """
    written = {table for table in _TOOL_POSITIONS if writes.get(table)}
    statements = len(written & TALLIED) + bool(written - TALLIED)
    if statements > 1:
        tools = {write.key[_TOOL_POSITIONS[table]] for table in written for write in writes[table]}
        connection.exec_driver_sql(_LOCK, {"tools": sorted(tools)})
        connection.exec_driver_sql(group_tallies.LOCK, {"tools": sorted(tools)})


def bump_versions(
    connection: Statements, tools: Collection[str], shown: Collection[str] = ()
) -> None:
    """Give tools a new version, since their records changed.

    Args:
        connection: In the transaction of the change.
        tools: The tools that the change is about; each gets a row.
        shown: Tools that show the change. They get a row by events of their own.
    """
    if tools or shown:
        slugs = {"tools": sorted(tools), "shown": sorted(shown)}
        connection.exec_driver_sql(_BUMP, slugs)


def upsert_ballots(
    connection: Statements, writes: list[RegisterWrite]
) -> Callable[[], set[RecordKey]]:
    """Upsert ballots, and add the votes that they change to the tallies."""
    return _upsert(connection, _BALLOTS + BALLOT_DELTAS, "choice", writes, {})


def upsert_bookmarks(
    connection: Statements, writes: list[RegisterWrite]
) -> Callable[[], set[RecordKey]]:
    """Upsert bookmarks, and add the bookmarks that they change to the tallies."""
    times = {"times": [write.values["time"] for write in writes]}
    return _upsert(connection, _BOOKMARKS + BOOKMARK_DELTAS, "kept", writes, times)


def _upsert(
    connection: Statements,
    sql: str,
    value: str,
    writes: list[RegisterWrite],
    more_columns: dict[str, list[int]],
) -> Callable[[], set[RecordKey]]:
    columns = {
        "voters": [write.key[0] for write in writes],
        "tools": [write.key[1] for write in writes],
        "values": [write.values[value] for write in writes],
        "stamps": [write.stamp for write in writes],
        **more_columns,
    }
    rows = connection.exec_driver_sql(sql + _TALLY, columns)
    return lambda: {RecordKey("tool", tool) for (tool,) in rows.all()}
