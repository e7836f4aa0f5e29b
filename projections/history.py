"""The history of one tool: nothing that was written for it, all derived from what is kept anyway.

Every revision of every review is kept, so the panel's past is told from their own times. Of the
community only what the frozen weeks say is known: a ballot forgets what it said before.
"""

from collections.abc import Iterable
from itertools import groupby

from sqlalchemy import Connection, case, select

from projections import tables
from projections.digest_material import Revision, standing
from schemas import weeks
from schemas.history import CommunityPoint, History, PanelPoint
from schemas.instants import to_datetime
from schemas.records import Community


def history(connection: Connection, tool: str) -> History:
    """Read the history of a tool; empty where nothing is known of it."""
    return History(panel_history(_revisions(connection, tool)), _community(connection, tool))


def panel_history(revisions: Iterable[Revision]) -> list[PanelPoint]:
    """Replay the revisions of one tool, oldest first; those of one moment are one point."""
    points: list[PanelPoint] = []
    opinions: dict[str, Revision] = {}
    for moment, together in groupby(revisions, key=lambda one: one.time):
        for one in together:
            opinions[one.reviewer] = one
        now = standing({who: one for who, one in opinions.items() if one.verdict is not None})
        points.append(
            PanelPoint(to_datetime(moment), now.verdict, now.ship, now.skip, now.percent, now.mean)
        )
    return points


def _revisions(connection: Connection, tool: str) -> list[Revision]:
    every, people = tables.revisions, tables.reviewers
    chosen = (
        select(
            every.c.tool,
            every.c.reviewer,
            people.c.name,
            every.c.time,
            every.c.score,
            case((every.c.retracted, None), else_=every.c.verdict).label("verdict"),
        )
        .join(people, people.c.reviewer == every.c.reviewer)
        .where(every.c.tool == tool)
        .order_by(every.c.stamp, every.c.reviewer)
    )
    return [Revision(*row, body="") for row in connection.execute(chosen)]


def _community(connection: Connection, tool: str) -> list[CommunityPoint]:
    """What each frozen week that knew the tool says of it."""
    counts = tables.digests.c.tallies[tool]
    chosen = (
        select(tables.digests.c.week, counts.label("counts"))
        .where(tables.digests.c.tallies.has_key(tool))
        .order_by(tables.digests.c.week)
    )
    found = []
    for row in connection.execute(chosen):
        if weeks.exists(row.week):
            ship, skip, bookmarks = row.counts
            end = to_datetime(weeks.span(row.week)[1])
            found.append(CommunityPoint(row.week, end, Community.of(ship, skip), bookmarks))
    return found
