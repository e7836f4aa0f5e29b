"""The tool or category that a slug is another name of."""

from sqlalchemy import Connection, select

from projections import tables


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
