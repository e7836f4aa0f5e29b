"""The history of a tool, derived from revisions and frozen weeks.

The database keeps every revision with its time, so the panel's history is complete. A ballot keeps
its newest choice alone, so the community's history has one point for each frozen week.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select

from infra.postgres.pipeline import Statements
from projections import tables
from projections.history.digest_inputs import Revision, panel_verdict
from schemas.history import CommunityPoint, History, PanelPoint
from schemas.records import Community
from schemas.time import weeks
from schemas.time.instants import to_datetime

_revisions, _reviewers = tables.revisions, tables.reviewers
_all_revisions = (
    select(
        _revisions.c.tool,
        _revisions.c.reviewer,
        _reviewers.c.name,
        _revisions.c.time,
        _revisions.c.score,
        case((_revisions.c.retracted, None), else_=_revisions.c.verdict).label("verdict"),
    )
    .join(_reviewers, _reviewers.c.reviewer == _revisions.c.reviewer)
    .order_by(_revisions.c.tool, _revisions.c.stamp, _revisions.c.reviewer)
)
_revisions_of_tools = _all_revisions.where(_revisions.c.tool == func.any(bindparam("tools")))


def read_history(connection: Connection, tool: str) -> History:
    """Read the history of a tool; an unknown tool has an empty one."""
    return History(query_panels(connection, [tool])().get(tool, []), _community(connection, tool))


def read_histories(connection: Connection) -> dict[str, History]:
    """Read the histories of all tools that have one, by slug."""
    panel_points, community_points = query_panels(connection)(), _communities(connection)
    return {
        tool: History(panel_points.get(tool, []), community_points.get(tool, []))
        for tool in {*panel_points, *community_points}
    }


def query_panels(
    connection: Statements, tools: Iterable[str] | None = None
) -> Callable[[], dict[str, list[PanelPoint]]]:
    """Send the query for the panel's points of these tools, or of all, from the first review on.

    Returns:
        A function that waits for the answer.
    """
    if tools is None:
        rows = connection.execute(_all_revisions)
    else:
        rows = connection.execute(_revisions_of_tools, {"tools": sorted(tools)})

    def answer() -> dict[str, list[PanelPoint]]:
        revisions = groupby(map(_revision, rows.all()), key=lambda revision: revision.tool)
        return {tool: replay_panel(of_tool) for tool, of_tool in revisions}

    return answer


def replay_panel(revisions: Iterable[Revision]) -> list[PanelPoint]:
    """Replay the revisions of one tool, oldest first; revisions of one time make one point."""
    points: list[PanelPoint] = []
    newest: dict[str, Revision] = {}
    for time, simultaneous in groupby(revisions, key=lambda revision: revision.time):
        newest |= {revision.reviewer: revision for revision in simultaneous}
        panel = panel_verdict(newest)
        points.append(
            PanelPoint(
                to_datetime(time), panel.verdict, panel.ship, panel.skip, panel.percent, panel.mean
            )
        )
    return points


def _revision(row: Any) -> Revision:
    return Revision(row.tool, row.reviewer, row.name, row.time, row.score, row.verdict, body="")


def _community(connection: Connection, tool: str) -> list[CommunityPoint]:
    """Read a tool's point of each frozen week with its tally, oldest first."""
    counts = tables.digests.c.tallies[tool]
    query = (
        select(tables.digests.c.week, counts.label("counts"))
        .where(tables.digests.c.tallies.has_key(tool))
        .order_by(tables.digests.c.week)
    )
    rows = connection.execute(query)
    return [_point(row.week, row.counts) for row in rows if weeks.exists(row.week)]


def _communities(connection: Connection) -> dict[str, list[CommunityPoint]]:
    """Read the points of all frozen weeks by tool, oldest first."""
    points: dict[str, list[CommunityPoint]] = defaultdict(list)
    query = select(tables.digests.c.week, tables.digests.c.tallies).order_by(tables.digests.c.week)
    for row in connection.execute(query):
        if weeks.exists(row.week):
            for tool, counts in row.tallies.items():
                points[tool].append(_point(row.week, counts))
    return points


def _point(week: str, counts: Sequence[int]) -> CommunityPoint:
    ship, skip, bookmarks = counts
    end = to_datetime(weeks.span(week)[1])
    return CommunityPoint(week, end, Community.of(ship, skip), bookmarks)
