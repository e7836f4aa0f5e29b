"""The tool or category that a slug is another name of."""

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from infra.postgres.statement_pipeline import Statements
from projections import tables
from schemas.history import Merge
from schemas.time import weeks
from schemas.time.instants import to_datetime

_MERGES = (
    select(
        tables.merges.c.tool,
        tables.tools.c.name,
        tables.aliases.c.tool.label("into"),
        tables.merges.c.reason,
        tables.merges.c.time,
    )
    .join(tables.aliases, tables.aliases.c.alias == tables.merges.c.tool)
    .join(tables.tools, tables.tools.c.tool == tables.merges.c.tool)
    .where(tables.aliases.c.tool != tables.aliases.c.alias)
    .order_by(tables.merges.c.time, tables.merges.c.tool)
)
# Built once: building it takes longer than running it for a tool or two.
_MERGES_INTO = _MERGES.where(tables.aliases.c.tool == func.any(bindparam("tools")))


def find_merged_into(connection: Connection, tool: str) -> str | None:
    """Name the tool that a merged tool is another name of; None for any other slug."""
    aliases = tables.aliases.c
    query = select(aliases.tool).where(aliases.alias == tool, aliases.tool != tool)
    into: str | None = connection.scalar(query)
    return into


def find_moved_into(connection: Connection, category: str) -> str | None:
    """Name the category that a removed category's tools went to; None for any other slug."""
    aliases = tables.category_aliases.c
    into: str | None = connection.scalar(select(aliases.category).where(aliases.alias == category))
    return into


def read_merged_tools(connection: Connection) -> dict[str, str]:
    """Read all merged tools, with the tools that they are other names of."""
    aliases = tables.aliases.c
    rows = connection.execute(
        select(aliases.alias, aliases.tool).where(aliases.alias != aliases.tool)
    )
    return {row.alias: row.tool for row in rows}


def list_merges(
    connection: Statements, start: int = weeks.FIRST_MOMENT, end: int = weeks.LAST_MOMENT
) -> list[Merge]:
    """Read the merges that hold of tools that were listed, oldest first.

    Args:
        connection: On a generation's tables.
        start: The least time of a merge, in microseconds since 1970.
        end: The time before which the merges are.
    """
    time = tables.merges.c.time
    rows = connection.execute(_MERGES.where(time >= start, time < end)).all()
    return list(map(_to_merge, rows))


def query_merges_into(
    connection: Statements, tools: Collection[str]
) -> Callable[[], dict[str, list[Merge]]]:
    """Send the query for the merges that lead to these tools.

    Returns:
        A function that waits for the answer: the merges by tool, oldest first.
    """
    rows = connection.execute(_MERGES_INTO, {"tools": sorted(tools)})

    def answer() -> dict[str, list[Merge]]:
        merges: dict[str, list[Merge]] = defaultdict(list)
        for merge in map(_to_merge, rows.all()):
            merges[merge.tool].append(merge)
        return merges

    return answer


def _to_merge(row: Row[Any]) -> Merge:
    return Merge(row.tool, row.name, row.into, row.reason, to_datetime(row.time))
