"""The history of a tool, derived from revisions and frozen weeks.

The database keeps every revision with its time, so the panel's history is complete. A ballot keeps
its newest choice alone, so the community's history has one point for each frozen week.

A tool has the history of all its names, as they resolve now. For weeks that were frozen before a
merge the tallies of both names add up, since nothing tells who voted for both by then.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from msgspec import structs
from sqlalchemy import Connection, Text, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from infra.postgres.statement_pipeline import Statements
from projections import tables
from projections.aliases.lookup import read_merged_tools
from projections.history.digest_inputs import Revision, panel_verdict
from projections.history.edit_times import query_listing_times
from projections.read.reviews import DEPARTED, NAMED_TOOL, of_any_name
from schemas.history import CommunityPoint, History, PanelPoint, ReviewTimes
from schemas.records import Community
from schemas.time import weeks
from schemas.time.instants import to_datetime

_revisions, _reviewers = tables.revisions, tables.reviewers
_all_revisions = (
    select(
        NAMED_TOOL.label("tool"),
        _revisions.c.reviewer,
        _reviewers.c.name,
        _revisions.c.time,
        _revisions.c.score,
        case((_revisions.c.retracted, None), else_=_revisions.c.verdict).label("verdict"),
        DEPARTED.label("left"),
    )
    .join(_reviewers, _reviewers.c.reviewer == _revisions.c.reviewer)
    .outerjoin(tables.departures, tables.departures.c.reviewer == _revisions.c.reviewer)
    .outerjoin(tables.aliases, tables.aliases.c.alias == _revisions.c.tool)
    .order_by(NAMED_TOOL, _revisions.c.stamp, _revisions.c.reviewer)
)
_name = func.unnest(bindparam("names", type_=ARRAY(Text))).column_valued("name")
_counts_of_names = (
    select(tables.digests.c.week, _name, tables.digests.c.tallies[_name].label("counts"))
    .where(tables.digests.c.tallies.has_key(_name))
    .order_by(tables.digests.c.week)
)
_other_names = select(tables.aliases.c.alias, tables.aliases.c.tool).where(
    tables.aliases.c.tool == func.any(bindparam("tools"))
)
_revisions_of_tools = _all_revisions.where(of_any_name(_revisions.c.tool, bindparam("tools")))


def read_history(connection: Connection, tool: str) -> History:
    """Read the history of a tool; an unknown tool has an empty one."""
    history = query_edited(connection, [tool])().get(tool, History())
    return structs.replace(history, community=read_communities_of(connection, [tool]).get(tool, []))


def read_histories(connection: Connection) -> dict[str, History]:
    """Read the histories of all tools that have one, by slug."""
    edited, community_points = query_edited(connection)(), _communities(connection)
    return {
        tool: structs.replace(edited.get(tool, History()), community=community_points.get(tool, []))
        for tool in {*edited, *community_points}
    }


def query_edited(
    connection: Statements, tools: Iterable[str] | None = None
) -> Callable[[], dict[str, History]]:
    """Send the queries for what editors wrote of these tools, or of all: histories by slug.

    Returns:
        A function that waits for the answers. The histories lack the community's points.
    """
    slugs = None if tools is None else sorted(tools)
    if slugs is None:
        rows = connection.execute(_all_revisions)
    else:
        rows = connection.execute(_revisions_of_tools, {"tools": slugs})
    read_listing_times = query_listing_times(connection, slugs)

    def answer() -> dict[str, History]:
        by_tool = groupby(map(_revision, rows.all()), key=lambda revision: revision.tool)
        revisions = {tool: list(of_tool) for tool, of_tool in by_tool}
        listed = read_listing_times()
        return {
            tool: History(
                panel=replay_panel(revisions.get(tool, [])),
                listed=listed.get(tool),
                reviews=_review_times(revisions.get(tool, [])),
            )
            for tool in {*revisions, *listed}
        }

    return answer


def _review_times(revisions: Iterable[Revision]) -> dict[str, ReviewTimes]:
    """The first and the last revision of each reviewer, from revisions that come oldest first."""
    times: dict[str, ReviewTimes] = {}
    for revision in revisions:
        time = to_datetime(revision.time)
        first = times[revision.reviewer].first if revision.reviewer in times else time
        times[revision.reviewer] = ReviewTimes(first, time)
    return times


def replay_panel(revisions: Iterable[Revision]) -> list[PanelPoint]:
    """Replay the revisions of one tool, oldest first; changes of one time make one point.

    The departure of a reviewer whose review counts is a point, too.
    """
    points: list[PanelPoint] = []
    newest: dict[str, Revision] = {}
    for time, simultaneous in groupby(_panel_changes(revisions), key=itemgetter(0)):
        newest |= {reviewer: revision for _, reviewer, revision in simultaneous}
        panel = panel_verdict(newest)
        points.append(
            PanelPoint(
                to_datetime(time), panel.verdict, panel.ship, panel.skip, panel.percent, panel.mean
            )
        )
    return points


def _panel_changes(revisions: Iterable[Revision]) -> list[tuple[int, str, Revision]]:
    """Times, reviewers and their newest words; a departure takes the last one back."""
    counted = [revision for revision in revisions if revision.counts]
    last = {revision.reviewer: revision for revision in counted}
    departures = [
        (revision.left, reviewer, revision._replace(score=None, verdict=None))
        for reviewer, revision in last.items()
        if revision.left is not None and revision.verdict is not None
    ]
    changes = [(revision.time, revision.reviewer, revision) for revision in counted]
    return sorted([*changes, *departures], key=itemgetter(0))


def _revision(row: Any) -> Revision:
    return Revision(
        row.tool, row.reviewer, row.name, row.time, row.score, row.verdict, body="", left=row.left
    )


def read_communities_of(
    connection: Statements, tools: Iterable[str]
) -> dict[str, list[CommunityPoint]]:
    """Read the points of these tools: of each frozen week with a tally, oldest first."""
    slugs = sorted(tools)
    names = {slug: slug for slug in slugs}
    names |= {
        row.alias: row.tool for row in connection.execute(_other_names, {"tools": slugs}).all()
    }
    counts: dict[tuple[str, str], list[Sequence[int]]] = defaultdict(list)
    for row in connection.execute(_counts_of_names, {"names": sorted(names)}).all():
        if weeks.exists(row.week):
            counts[row.week, names[row.name]].append(row.counts)
    points: dict[str, list[CommunityPoint]] = defaultdict(list)
    for (week, tool), of_names in counts.items():
        points[tool].append(_point(week, of_names))
    return points


def _communities(connection: Connection) -> dict[str, list[CommunityPoint]]:
    """Read the points of all frozen weeks by tool, oldest first."""
    points: dict[str, list[CommunityPoint]] = defaultdict(list)
    names = read_merged_tools(connection)
    query = select(tables.digests.c.week, tables.digests.c.tallies).order_by(tables.digests.c.week)
    for row in connection.execute(query):
        if weeks.exists(row.week):
            by_tool: dict[str, list[Sequence[int]]] = defaultdict(list)
            for name, counts in row.tallies.items():
                by_tool[names.get(name, name)].append(counts)
            for tool, tallies in by_tool.items():
                points[tool].append(_point(row.week, tallies))
    return points


def _point(week: str, tallies: Iterable[Sequence[int]]) -> CommunityPoint:
    """Make a week's point of the tallies of a tool's names."""
    ship, skip, bookmarks = map(sum, zip(*tallies, strict=True))
    end = to_datetime(weeks.span(week)[1])
    return CommunityPoint(week, end, Community.of(ship, skip), bookmarks)
