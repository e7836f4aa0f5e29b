"""How the folded writes of each table become rows, and which records change by them."""

from collections.abc import Callable, Mapping
from functools import cache, partial

import msgspec

from infra.postgres.pipeline import Rows, Statements
from projections.folds.registers import RegisterWrite
from projections.tables import metadata
from projections.write.outbox import RecordKey

# Sends the rows of a table, and gives what waits for the keys of the records that they changed.
Writer = Callable[[Statements, list[RegisterWrite]], Callable[[], set[RecordKey]]]

# A register's row gives way only to a greater stamp, whichever comes first.
_UPSERT = """
insert into {table} ({columns}{version_column})
select {columns}{version_value}
from jsonb_populate_recordset(null::{table}, %(rows)s::jsonb)
on conflict ({key}) do update set {assignments}{version_update}
where excluded.stamp > {table}.stamp
returning {key}
"""

# Arrays travel in binary (`%b`): as text, escaping the stamps alone would cost more than a vote's
# decoding and folding together.
_BALLOTS = """
with changed as (
    insert into ballots (voter, tool, choice, stamp)
    select * from unnest(
        %(voters)b::text[], %(tools)b::text[], %(values)b::smallint[], %(stamps)b::bytea[])
    on conflict (voter, tool) do update set choice = excluded.choice, stamp = excluded.stamp
    where excluded.stamp > ballots.stamp
    returning new.tool, coalesce(old.choice, 3) as was, new.choice as now
), deltas as (
    select tool,
        sum((now = 1)::int - (was = 1)::int) as ship,
        sum((now = 2)::int - (was = 2)::int) as skip,
        0 as bookmarks
    from changed group by tool
)
"""

_BOOKMARKS = """
with changed as (
    insert into bookmarks (voter, tool, kept, stamp, time)
    select * from unnest(
        %(voters)b::text[], %(tools)b::text[], %(values)b::boolean[], %(stamps)b::bytea[],
        %(times)b::bigint[])
    on conflict (voter, tool)
    do update set kept = excluded.kept, stamp = excluded.stamp, time = excluded.time
    where excluded.stamp > bookmarks.stamp
    returning new.tool, coalesce(old.kept, false) as was, new.kept as now
), deltas as (
    select tool, 0 as ship, 0 as skip, sum(now::int - was::int) as bookmarks
    from changed group by tool
)
"""

# What takes back what was never counted makes a row of noughts: else that there is one would
# depend on whether the two came in one batch.
_TALLY = """
insert into tallies (tool, ship, skip, bookmarks, version)
select tool, ship, skip, bookmarks, nextval('verdicts.version') from deltas
where (ship, skip, bookmarks) <> (0, 0, 0)
    or not exists (select from tallies where tallies.tool = deltas.tool)
order by tool collate "C"
on conflict (tool) do update set
    ship = tallies.ship + excluded.ship,
    skip = tallies.skip + excluded.skip,
    bookmarks = tallies.bookmarks + excluded.bookmarks,
    version = nextval('verdicts.version')
returning tool
"""

_TOUCH = """
insert into tallies (tool, ship, skip, bookmarks, version)
select tool, 0, 0, 0, nextval('verdicts.version')
from unnest(%(tools)s::text[]) as touched(tool) order by tool collate "C"
on conflict (tool) do update set version = nextval('verdicts.version')
"""

# An update that never happens locks the row all the same.
_HOLD = """
insert into tallies (tool, ship, skip, bookmarks, version)
select tool, 0, 0, 0, nextval('verdicts.version')
from unnest(%(tools)s::text[]) as held(tool) order by tool collate "C"
on conflict (tool) do update set version = tallies.version where false
"""


def bump_versions(connection: Statements, tools: set[str]) -> None:
    """Give tools a new version: something that their records show has changed."""
    if tools:
        connection.exec_driver_sql(_TOUCH, {"tools": sorted(tools)})


def _upsert_register(table: str, connection: Statements, writes: list[RegisterWrite]) -> Rows:
    """Upsert the rows of a table; gives the keys of those that changed."""
    key = [column.name for column in metadata.tables[table].primary_key]
    rows = [
        {**dict(zip(key, write.key, strict=True)), **write.values, "stamp": _bytea(write.stamp)}
        for write in writes
    ]
    encoded = msgspec.json.encode(rows).decode()
    return connection.exec_driver_sql(_upsert(table), {"rows": encoded})


@cache
def _upsert(table: str) -> str:
    columns = [column.name for column in metadata.tables[table].columns]
    key = [column.name for column in metadata.tables[table].primary_key]
    versioned = "version" in columns
    plain = [column for column in columns if column != "version"]
    return _UPSERT.format(
        table=table,
        columns=", ".join(plain),
        key=", ".join(key),
        assignments=", ".join(f"{name} = excluded.{name}" for name in plain if name not in key),
        version_column=", version" if versioned else "",
        version_value=", nextval('verdicts.version')" if versioned else "",
        version_update=", version = nextval('verdicts.version')" if versioned else "",
    )


def _bytea(stamp: bytes) -> str:
    return "\\x" + stamp.hex()


def _shared(
    table: str, kind: str, connection: Statements, writes: list[RegisterWrite]
) -> Callable[[], set[RecordKey]]:
    """Write categories or reviewers: their tools show their names."""
    rows = _upsert_register(table, connection, writes)
    kinds = (kind, f"tools-of-{kind}")
    return lambda: {RecordKey(kind, key) for (key,) in rows.all() for kind in kinds}


def _weeks(connection: Statements, writes: list[RegisterWrite]) -> Callable[[], set[RecordKey]]:
    rows = _upsert_register("digests", connection, writes)
    return lambda: {RecordKey("digest", week) for (week,) in rows.all()}


def _of_tools(
    table: str, connection: Statements, writes: list[RegisterWrite]
) -> Callable[[], set[RecordKey]]:
    """Write a table whose key begins with the tool that shows it."""
    rows = _upsert_register(table, connection, writes)
    return lambda: {RecordKey("tool", key[0]) for key in rows.all()}


def _ballots(connection: Statements, writes: list[RegisterWrite]) -> Callable[[], set[RecordKey]]:
    return _tallied(connection, _BALLOTS, "choice", writes, {})


def _bookmarks(connection: Statements, writes: list[RegisterWrite]) -> Callable[[], set[RecordKey]]:
    times = {"times": [write.values["time"] for write in writes]}
    return _tallied(connection, _BOOKMARKS, "kept", writes, times)


def _tallied(
    connection: Statements,
    sql: str,
    value: str,
    writes: list[RegisterWrite],
    more: dict[str, list[int]],
) -> Callable[[], set[RecordKey]]:
    """Write rows of voters, and add to each tool's tally what they changed, once per tool."""
    columns = {
        "voters": [write.key[0] for write in writes],
        "tools": [write.key[1] for write in writes],
        "values": [write.values[value] for write in writes],
        "stamps": [write.stamp for write in writes],
        **more,
    }
    rows = connection.exec_driver_sql(sql + _TALLY, columns)
    return lambda: {RecordKey("tool", tool) for (tool,) in rows.all()}


WRITERS: Mapping[str, Writer] = {
    "categories": partial(_shared, "categories", "category"),
    "tools": partial(_of_tools, "tools"),
    "first_listings": partial(_of_tools, "first_listings"),
    "retirements": partial(_of_tools, "retirements"),
    "reviewers": partial(_shared, "reviewers", "reviewer"),
    "revisions": partial(_of_tools, "revisions"),
    "ballots": _ballots,
    "bookmarks": _bookmarks,
    "digests": _weeks,
}
ORDER = tuple(WRITERS)
TALLIED = frozenset({"ballots", "bookmarks"})
# Where in a row's key its tool stands, in the tables that move a tool's tally or touch it.
_TOOL_AT = {
    "tools": 0, "first_listings": 0, "retirements": 0, "revisions": 0, "ballots": 1, "bookmarks": 1,
}  # fmt: skip


def lock_tallies(connection: Statements, writes: Mapping[str, list[RegisterWrite]]) -> None:
    """Lock the tallies of all tools that are named, where more than one statement will do so.

    Each keeps to one order of its own, but two transactions with two such statements each could
    wait for one another in a circle.
    """
    naming = {table for table in _TOOL_AT if writes.get(table)}
    touching = bool(naming - TALLIED)
    if len(naming & TALLIED) + touching > 1:
        tools = {write.key[_TOOL_AT[table]] for table in naming for write in writes[table]}
        connection.exec_driver_sql(_HOLD, {"tools": sorted(tools)})
