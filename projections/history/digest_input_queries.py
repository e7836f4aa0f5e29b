"""The inputs of a week's digest, read from the projections.

Revisions carry their own times. The community has no history but the tallies of frozen weeks, so a
week's votes are the current tallies less those of the newest digest before it.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    case,
    func,
    select,
    union,
    union_all,
)

from projections import tables
from projections.aliases.joined_tallies import join_names
from projections.aliases.lookup import list_merges
from projections.history.digest_inputs import ListedTool, PreviousTallies, Revision, TallyCounts
from projections.read.reviews import DEPARTED, NAMED_TOOL
from projections.read.tools import IS_RETIRED, LISTED_TOOLS
from schemas.events import FrozenTally
from schemas.records import CategoryName
from schemas.time import weeks

_listings, _names = tables.first_listings.alias("any_listings"), tables.aliases.alias("any_names")
_FIRST_LISTED = func.least(
    tables.first_listings.c.time,
    select(func.min(_listings.c.time))
    .join(_names, _names.c.alias == _listings.c.tool)
    .where(_names.c.tool == tables.tools.c.tool)
    .correlate(tables.tools)
    .scalar_subquery(),
)
_TOOLS = LISTED_TOOLS.add_columns(_FIRST_LISTED.label("first_listed"))
_REVISIONS = (
    tables.revisions.join(
        tables.reviewers, tables.reviewers.c.reviewer == tables.revisions.c.reviewer
    )
    .outerjoin(tables.departures, tables.departures.c.reviewer == tables.revisions.c.reviewer)
    .outerjoin(tables.aliases, tables.aliases.c.alias == tables.revisions.c.tool)
)
_COUNTS = func.coalesce(tables.revisions.c.time < DEPARTED, True)


def list_listed_tools(connection: Connection) -> list[ListedTool]:
    """Read the tools on the site, by slug."""
    return [_to_listed_tool(row) for row in connection.execute(_TOOLS.where(~IS_RETIRED))]


def list_revisions(connection: Connection, start: int, end: int) -> list[Revision]:
    """Read all revisions before `end` of the tools that were listed or reviewed since `start`.

    The same of those whose reviewers left since then. They come oldest first, each with the tool
    that its tool is another name of. Bodies are read of the revisions since `start` alone.
    """
    revisions = tables.revisions.c
    query = (
        select(
            NAMED_TOOL.label("tool"),
            revisions.reviewer,
            tables.reviewers.c.name,
            revisions.time,
            revisions.score,
            case((revisions.retracted, None), else_=revisions.verdict).label("verdict"),
            case((revisions.time >= start, revisions.body), else_="").label("body"),
            DEPARTED.label("left"),
        )
        .select_from(_REVISIONS)
        .where(revisions.time < end, revisions.tool.in_(_names_of_changed(start, end)))
        .order_by(revisions.stamp, revisions.tool, revisions.reviewer)
    )
    return [Revision(*row) for row in connection.execute(query)]


def _names_of_changed(start: int, end: int) -> Any:
    """Select all names of the tools that were listed or reviewed, or lost a review, in a week."""
    aliases, listings = tables.aliases.c, tables.first_listings.c
    new = (
        select(func.coalesce(aliases.tool, listings.tool).label("tool"))
        .outerjoin_from(tables.first_listings, tables.aliases, aliases.alias == listings.tool)
        .where(listings.time >= start)
    )
    changed = union(new, _reviewed(start, end)).subquery()
    return union(
        select(changed.c.tool),
        select(aliases.alias).join(changed, changed.c.tool == aliases.tool),
    )


def _reviewed(start: int, end: int) -> CompoundSelect[Any]:
    """Select the tools with a review of that week, or with a reviewer who left in that week."""
    counted = select(NAMED_TOOL.label("tool")).select_from(_REVISIONS).where(_COUNTS)
    # Two queries, each of which has an index; the one with both conditions would have none.
    return union_all(
        *(counted.where(time >= start, time < end) for time in (tables.revisions.c.time, DEPARTED))
    )


def read_previous_tallies(connection: Connection, week: str) -> PreviousTallies:
    """Read the tallies of the newest frozen week before this one that was not quiet.

    The tallies of a tool's other names are added to its own.
    """
    digests = tables.digests.c
    query = (
        select(digests.week, digests.tallies)
        .where(digests.week < week, digests.tallies != {})
        .order_by(digests.week.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return PreviousTallies()
    joined = join_names(connection, row.tallies)
    return PreviousTallies(row.week, {tool: TallyCounts(*joined[tool]) for tool in joined})


def read_tallies_of_week(connection: Connection, week: str) -> tuple[FrozenTally, ...]:
    """Read the current tally of every tool that was listed before the week's end, by slug.

    Retired tools are included.
    """
    _, end = weeks.span(week)
    return tuple(
        FrozenTally(row.tool, row.ship, row.skip, row.bookmarks)
        for row in connection.execute(_TOOLS)
        if row.first_listed < end
    )


def has_news(connection: Connection, week: str) -> bool:
    """Whether a week has a digest; cheaper than making it, since one change is enough."""
    start, end = weeks.span(week)
    tools = LISTED_TOOLS.where(~IS_RETIRED, end > _FIRST_LISTED).order_by(None)

    def has(change: ColumnElement[bool]) -> bool:
        return connection.execute(tools.where(change).limit(1)).first() is not None

    tool = tables.tools.c.tool
    return (
        has(start <= _FIRST_LISTED)
        or has(tool.in_(_reviewed(start, end)))
        or has(tool.in_([merge.tool for merge in list_merges(connection, start, end)]))
        or _has_moved(connection, tools, week)
    )


def _has_moved(connection: Connection, tools: Select[Any], week: str) -> bool:
    """Whether a tool's tally differs from that of the newest digest before the week."""
    previous = read_previous_tallies(connection, week)
    counts = (tools.selected_columns[name] for name in TallyCounts._fields)
    rows = connection.execute(tools.with_only_columns(tables.tools.c.tool, *counts))
    return any(TallyCounts(*tally) != previous.of(tool) for tool, *tally in rows)


def _to_listed_tool(row: Row[Any]) -> ListedTool:
    return ListedTool(
        row.tool,
        row.name,
        CategoryName(row.category, row.category_name or row.category),
        row.tagline,
        row.entry,
        row.first_listed,
        TallyCounts(row.ship, row.skip, row.bookmarks),
    )
