"""Tools as whole records or as tallies.

A tool is on the site while its newest listing is newer than its newest retirement, and while it is
no other name of another tool. A category that no event defines shows its slug.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from infra.postgres.statement_pipeline import Statements
from projections import tables
from projections.read.reviews import REVIEWS_OF_TOOLS, to_review
from projections.tables import columns_without_stamp
from schemas.facts.values import Fact
from schemas.records import CategoryName, Community, Panel, Review, Tool
from schemas.time.instants import to_datetime


class ToolTally(msgspec.Struct, frozen=True):
    """A listed tool's current counts."""

    tool: str
    community: Community
    bookmarks: int
    version: int


IS_RETIRED = and_(
    tables.retirements.c.tool.is_not(None), tables.retirements.c.stamp > tables.tools.c.stamp
)
IS_DEFINED = or_(
    tables.removals.c.category.is_(None), tables.removals.c.stamp < tables.categories.c.stamp
)
IS_OWN_NAME = or_(tables.aliases.c.tool.is_(None), tables.aliases.c.tool == tables.tools.c.tool)
CATEGORY: ColumnElement[Any] = func.coalesce(
    tables.category_aliases.c.category, tables.tools.c.category
)
"""The category of a tool: where its listing's category was moved to."""
_COUNTS = [
    *(
        func.coalesce(tables.group_tallies.c[name], tables.tallies.c[name], 0).label(name)
        for name in ("ship", "skip", "bookmarks")
    ),
    func.coalesce(tables.tallies.c.version, 0).label("version"),
]


def _with_tallies(source: FromClause) -> FromClause:
    """Join a source that holds tools with their names and tallies."""
    tool = tables.tools.c.tool
    return (
        source.outerjoin(tables.aliases, tables.aliases.c.alias == tool)
        .outerjoin(tables.tallies, tables.tallies.c.tool == tool)
        .outerjoin(tables.group_tallies, tables.group_tallies.c.tool == tool)
    )


LISTED_TOOLS: Select[Any] = (
    select(
        *(
            column
            for column in columns_without_stamp(tables.tools)
            if column is not tables.tools.c.category
        ),
        CATEGORY.label("category"),
        tables.categories.c.name.label("category_name"),
        tables.first_listings.c.time.label("listed"),
        tables.retirements.c.time.label("retired"),
        tables.retirements.c.reason.label("retired_reason"),
        IS_RETIRED.label("is_retired"),
        *_COUNTS,
    )
    .select_from(
        _with_tallies(
            tables.tools.join(
                tables.first_listings, tables.first_listings.c.tool == tables.tools.c.tool
            )
            .outerjoin(tables.retirements, tables.retirements.c.tool == tables.tools.c.tool)
            .outerjoin(
                tables.category_aliases,
                tables.category_aliases.c.alias == tables.tools.c.category,
            )
            .outerjoin(tables.removals, tables.removals.c.category == CATEGORY)
            .outerjoin(
                tables.categories, and_(tables.categories.c.category == CATEGORY, IS_DEFINED)
            )
        )
    )
    .where(IS_OWN_NAME)
    .order_by(tables.tools.c.tool)
)
# Built once: building them takes longer than running them for a tool or two.
_NAMED_TOOLS = LISTED_TOOLS.where(tables.tools.c.tool == func.any(bindparam("tools")))
_TALLIES = (
    select(tables.tools.c.tool, *_COUNTS)
    .select_from(_with_tallies(tables.tools))
    .where(tables.tools.c.tool == func.any(bindparam("tools")), IS_OWN_NAME)
)


def find_tool(connection: Connection, slug: str) -> Tool | None:
    """Read one listed tool, also a retired one."""
    tools = find_tools(connection, [slug])
    return tools[0] if tools else None


def find_tools(connection: Statements, slugs: Iterable[str]) -> list[Tool]:
    """Read the listed tools with these slugs, also retired ones, by slug."""
    parameters = {"tools": sorted(slugs)}
    tools = connection.execute(_NAMED_TOOLS, parameters)
    return _with_reviews(tools.all(), connection.execute(REVIEWS_OF_TOOLS, parameters).all())


def list_tools(
    connection: Connection, *, limit: int | None = None, after: str = "", retired: bool = False
) -> list[Tool]:
    """Read tools with slugs greater than `after`, by slug: those on the site, or the retired."""
    query = LISTED_TOOLS.where(tables.tools.c.tool > after, IS_RETIRED.is_(retired))
    return _read_tools(connection, query.limit(limit))


def list_tools_in(connection: Connection, category: str) -> list[Tool]:
    """Read the tools on the site in one category, by slug."""
    names = select(tables.category_aliases.c.alias).where(
        tables.category_aliases.c.category == category
    )
    listed = or_(tables.tools.c.category == category, tables.tools.c.category.in_(names))
    return _read_tools(
        connection, LISTED_TOOLS.where(listed, CATEGORY.in_([category]), ~IS_RETIRED)
    )


def read_tallies(connection: Statements, slugs: Iterable[str]) -> dict[str, ToolTally]:
    """Read the tallies of those of these tools that are listed."""
    rows = connection.execute(_TALLIES, {"tools": list(slugs)})
    return {row.tool: _to_tally(row) for row in rows.all()}


def _read_tools(connection: Connection, query: Select[Any]) -> list[Tool]:
    tools = connection.execute(query).all()
    if not tools:
        return []
    slugs = {"tools": [row.tool for row in tools]}
    return _with_reviews(tools, connection.execute(REVIEWS_OF_TOOLS, slugs).all())


def _with_reviews(tools: Iterable[Row[Any]], reviews: Iterable[Row[Any]]) -> list[Tool]:
    reviews_by_tool: dict[str, list[Review]] = defaultdict(list)
    for row in reviews:
        reviews_by_tool[row.tool].append(to_review(row))
    return [_to_tool(row, reviews_by_tool[row.tool]) for row in tools]


def _to_tool(row: Row[Any], reviews: list[Review]) -> Tool:
    return Tool(
        tool=row.tool,
        name=row.name,
        category=CategoryName(row.category, row.category_name or row.category),
        tagline=row.tagline,
        description=row.description,
        pricing=row.pricing,
        entry=row.entry,
        best_for=row.best_for or row.tagline,
        url=row.url,
        listed=to_datetime(row.listed),
        retired=to_datetime(row.retired) if row.is_retired else None,
        retired_reason=row.retired_reason if row.is_retired else None,
        panel=Panel.of(reviews),
        community=Community.of(row.ship, row.skip),
        bookmarks=row.bookmarks,
        version=row.version,
        facts=_to_facts(row.facts) if row.facts else {},
    )


def _to_facts(facts: dict[str, Any]) -> dict[str, Fact]:
    """Convert stored facts; in the order of their keys, which the database does not keep."""
    return msgspec.convert(dict(sorted(facts.items())), dict[str, Fact])


def _to_tally(row: Row[Any]) -> ToolTally:
    return ToolTally(row.tool, Community.of(row.ship, row.skip), row.bookmarks, row.version)
