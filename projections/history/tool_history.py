"""The history of a tool: nothing that was written for it, all derived from what is kept anyway.

Every revision of every review is kept, so the panel's past is told from their own times. Of the
community only what the frozen weeks say is known: a ballot forgets what it said before.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select

from infra.postgres.pipeline import Statements
from projections import tables
from projections.history.digest_inputs import Revision, panel_standing
from schemas.history import CommunityPoint, History, PanelPoint
from schemas.records import Community
from schemas.time import weeks
from schemas.time.instants import to_datetime

_every, _people = tables.revisions, tables.reviewers
_every_revision = (
    select(
        _every.c.tool,
        _every.c.reviewer,
        _people.c.name,
        _every.c.time,
        _every.c.score,
        case((_every.c.retracted, None), else_=_every.c.verdict).label("verdict"),
    )
    .join(_people, _people.c.reviewer == _every.c.reviewer)
    .order_by(_every.c.tool, _every.c.stamp, _every.c.reviewer)
)
_revisions_of_tools = _every_revision.where(_every.c.tool == func.any(bindparam("tools")))


def read_history(connection: Connection, tool: str) -> History:
    """Read the history of a tool; empty where nothing is known of it."""
    return History(query_panels(connection, [tool])().get(tool, []), _community(connection, tool))


def read_histories(connection: Connection) -> dict[str, History]:
    """Read the histories of all tools of which there is any, by their slugs."""
    of_panel, of_community = query_panels(connection)(), _communities(connection)
    return {
        tool: History(of_panel.get(tool, []), of_community.get(tool, []))
        for tool in {*of_panel, *of_community}
    }


def query_panels(
    connection: Statements, tools: Iterable[str] | None = None
) -> Callable[[], dict[str, list[PanelPoint]]]:
    """Ask what the panel said of these tools, or of all, from the first review on.

    Returns:
        What waits for the answer.
    """
    if tools is None:
        rows = connection.execute(_every_revision)
    else:
        rows = connection.execute(_revisions_of_tools, {"tools": sorted(tools)})

    def answer() -> dict[str, list[PanelPoint]]:
        revisions = groupby(map(_revision, rows.all()), key=lambda one: one.tool)
        return {tool: replay_panel(told) for tool, told in revisions}

    return answer


def replay_panel(revisions: Iterable[Revision]) -> list[PanelPoint]:
    """Replay the revisions of one tool, oldest first; those of one moment are one point."""
    points: list[PanelPoint] = []
    opinions: dict[str, Revision] = {}
    for moment, together in groupby(revisions, key=lambda one: one.time):
        for one in together:
            opinions[one.reviewer] = one
        now = panel_standing({who: one for who, one in opinions.items() if one.verdict is not None})
        points.append(
            PanelPoint(to_datetime(moment), now.verdict, now.ship, now.skip, now.percent, now.mean)
        )
    return points


def _revision(row: Any) -> Revision:
    return Revision(row.tool, row.reviewer, row.name, row.time, row.score, row.verdict, body="")


def _community(connection: Connection, tool: str) -> list[CommunityPoint]:
    """What each frozen week that knew the tool says of it."""
    counts = tables.digests.c.tallies[tool]
    chosen = (
        select(tables.digests.c.week, counts.label("counts"))
        .where(tables.digests.c.tallies.has_key(tool))
        .order_by(tables.digests.c.week)
    )
    rows = connection.execute(chosen)
    return [_point(row.week, row.counts) for row in rows if weeks.exists(row.week)]


def _communities(connection: Connection) -> dict[str, list[CommunityPoint]]:
    """What the frozen weeks say of each tool."""
    found: dict[str, list[CommunityPoint]] = defaultdict(list)
    chosen = select(tables.digests.c.week, tables.digests.c.tallies).order_by(tables.digests.c.week)
    for row in connection.execute(chosen):
        if weeks.exists(row.week):
            for tool, counts in row.tallies.items():
                found[tool].append(_point(row.week, counts))
    return found


def _point(week: str, counts: Sequence[int]) -> CommunityPoint:
    ship, skip, bookmarks = counts
    end = to_datetime(weeks.span(week)[1])
    return CommunityPoint(week, end, Community.of(ship, skip), bookmarks)
