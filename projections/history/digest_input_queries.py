"""The inputs of a week's digest, read from the projections.

Revisions carry their own times. The community has no history but the tallies of frozen weeks, so a
week's votes are the current tallies less those of the newest digest before it.
"""

from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, exists, func, or_, select

from projections import tables
from projections.history.digest_inputs import ListedTool, PreviousTallies, Revision, TallyCounts
from projections.read.tools import IS_RETIRED, LISTED_TOOLS, list_tool_rows
from schemas.events import FrozenTally
from schemas.records import CategoryName
from schemas.time import weeks


def list_listed_tools(connection: Connection) -> list[ListedTool]:
    """Read the tools on the site, by slug."""
    return [_to_listed_tool(row) for row in list_tool_rows(connection)]


def list_revisions(connection: Connection, start: int, end: int) -> list[Revision]:
    """Read all revisions before `end` of tools that were listed or reviewed since `start`.

    They come oldest first. Bodies are read of the revisions since `start` alone.
    """
    revisions, reviewers = tables.revisions.c, tables.reviewers.c
    reviewed = select(revisions.tool).where(revisions.time >= start, revisions.time < end)
    new = select(tables.first_listings.c.tool).where(tables.first_listings.c.time >= start)
    query = (
        select(
            revisions.tool,
            revisions.reviewer,
            reviewers.name,
            revisions.time,
            revisions.score,
            case((revisions.retracted, None), else_=revisions.verdict).label("verdict"),
            case((revisions.time >= start, revisions.body), else_="").label("body"),
        )
        .join(tables.reviewers, reviewers.reviewer == revisions.reviewer)
        .where(
            and_(revisions.time < end, or_(revisions.tool.in_(reviewed), revisions.tool.in_(new)))
        )
        .order_by(revisions.stamp, revisions.tool, revisions.reviewer)
    )
    return [Revision(*row) for row in connection.execute(query)]


def read_previous_tallies(connection: Connection, week: str) -> PreviousTallies:
    """Read the tallies of the newest frozen week before this one that was not quiet."""
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
    tallies = {tool: TallyCounts(*counts) for tool, counts in row.tallies.items()}
    return PreviousTallies(row.week, tallies)


def read_tallies_of_week(connection: Connection, week: str) -> tuple[FrozenTally, ...]:
    """Read the current tally of every tool that was listed before the week's end, by slug.

    Retired tools are included.
    """
    _, end = weeks.span(week)
    rows = list_tool_rows(connection, retired=None)
    return tuple(
        FrozenTally(row.tool, row.ship, row.skip, row.bookmarks) for row in rows if row.listed < end
    )


def has_news(connection: Connection, week: str) -> bool:
    """Whether a week has a digest; cheaper than making it, since one change is enough."""
    start, end = weeks.span(week)
    listed, revisions, reviewers = (
        tables.first_listings.c.time,
        tables.revisions.c,
        tables.reviewers.c,
    )
    tools = LISTED_TOOLS.where(~IS_RETIRED, listed < end).order_by(None)
    reviewed = (
        tools.join(tables.revisions, revisions.tool == tables.tools.c.tool)
        .join(tables.reviewers, reviewers.reviewer == revisions.reviewer)
        .where(revisions.time >= start, revisions.time < end)
    )
    changes = (tools.where(listed >= start), reviewed)
    return any(connection.scalar(select(exists(change))) for change in changes) or _has_moved(
        connection, tools, week
    )


def _has_moved(connection: Connection, tools: Select[Any], week: str) -> bool:
    """Whether a tool's tally differs from that of the newest digest before the week."""
    previous = read_previous_tallies(connection, week)
    counts = (func.coalesce(tables.tallies.c[name], 0) for name in TallyCounts._fields)
    rows = connection.execute(tools.with_only_columns(tables.tools.c.tool, *counts))
    return any(TallyCounts(*tally) != previous.of(tool) for tool, *tally in rows)


def _to_listed_tool(row: Row[tuple[object, ...]]) -> ListedTool:
    return ListedTool(
        row.tool,
        row.name,
        CategoryName(row.category, row.category_name or row.category),
        row.tagline,
        row.entry,
        row.listed,
        TallyCounts(row.ship, row.skip, row.bookmarks),
    )
