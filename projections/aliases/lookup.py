"""The tool or category that a slug is another name of."""

from sqlalchemy import Connection, select

from infra.postgres.pipeline import Statements
from projections import tables
from schemas.history import Merge
from schemas.time import weeks
from schemas.time.instants import to_datetime


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
    aliases, merges, tools = tables.aliases.c, tables.merges.c, tables.tools.c
    query = (
        select(merges.tool, tools.name, aliases.tool.label("into"), merges.reason, merges.time)
        .join(tables.aliases, aliases.alias == merges.tool)
        .join(tables.tools, tools.tool == merges.tool)
        .where(aliases.tool != aliases.alias, merges.time >= start, merges.time < end)
        .order_by(merges.time, merges.tool)
    )
    return [
        Merge(row.tool, row.name, row.into, row.reason, to_datetime(row.time))
        for row in connection.execute(query).all()
    ]
