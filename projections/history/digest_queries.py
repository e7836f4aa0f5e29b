"""A week's digest, read or made: frozen ones as they were decided, open ones from what is.

The running week is the newest with events, as the checkpoints know it: no clock is asked. It is
open, and so is the week before until it is frozen, which takes a while after its end.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, exists, func, literal, or_, select

from projections import tables
from projections.history.digest_inputs import Listed, PreviousTallies, Revision, TallyNow
from projections.history.digest_rules import digest_of
from projections.read import queries
from schemas import digests
from schemas.digests import WeeklyDigest
from schemas.events import FrozenTally
from schemas.records import CategoryName
from schemas.time import weeks
from schemas.topics import DIGESTS

# A week that nobody looked at for a year is looked at no more, unless something says it had events.
MOST_WEEKS = 53


def compute(connection: Connection, week: str) -> WeeklyDigest | None:
    """Make a week's digest from the projections as they stand; None for an empty week.

    The panel is taken from the revisions' own times. The community has no history but the frozen
    tallies, so what moved is the present tally less the one of the newest digest before `week`.

    Args:
        connection: In a transaction that sees one snapshot.
        week: A week of the calendar, such as `2026-W47`.
    """
    start, end = weeks.span(week)
    tools = [_listed(row) for row in queries.listings(connection)]
    return digest_of(week, tools, _revisions(connection, start, end), _past(connection, week))


def running_week(connection: Connection) -> str | None:
    """Name the newest week with events, unless it is frozen already."""
    latest = _latest(connection)
    if latest is None:
        return None
    week = weeks.week_of(latest)
    frozen = newest_frozen(connection)
    return week if frozen is None or frozen < week else None


def open_weeks(connection: Connection) -> list[str]:
    """Name the weeks whose digests still move, newest first: the running one and the one before.

    Until the one before is frozen both are held against the same past, so what moved in the one
    shows in the other too.
    """
    running = running_week(connection)
    if running is None:
        return []
    frozen = newest_frozen(connection) or ""
    before = weeks.week_of(weeks.span(running)[0] - 1)
    return [week for week in (running, before) if week > frozen]


def newest(connection: Connection) -> str | None:
    """Name the newest week of `everything`, without making any digest."""
    still_open = (week for week in open_weeks(connection) if has_news(connection, week))
    return next(still_open, None) or next((it.week for it in _frozen(connection)), None)


def has_news(connection: Connection, week: str) -> bool:
    """Whether `compute` makes a digest of this week: it asks for one sign and no more."""
    start, end = weeks.span(week)
    listed = tables.first_listings.c.time
    there = queries.on_site().where(listed < end).order_by(None)
    every, people = tables.revisions, tables.reviewers
    reviewed = (
        there.join(every, every.c.tool == tables.tools.c.tool)
        .join(people, people.c.reviewer == every.c.reviewer)
        .where(every.c.time >= start, every.c.time < end)
    )
    signs = (there.where(listed >= start), reviewed)
    return any(connection.scalar(select(exists(sign))) for sign in signs) or _moved(
        connection, there, week
    )


def _moved(connection: Connection, there: Select[Any], week: str) -> bool:
    """Whether a tool's tally is not that of the newest digest before the week."""
    past = _past(connection, week)
    counts = (tables.tallies.c[name] for name in TallyNow._fields)
    rows = connection.execute(
        there.with_only_columns(tables.tools.c.tool, *(func.coalesce(it, 0) for it in counts))
    )
    return any(TallyNow(*now) != past.of(tool) for tool, *now in rows)


def newest_frozen(connection: Connection) -> str | None:
    """Name the newest frozen week, with a digest or quiet."""
    week: str | None = connection.scalar(select(func.max(tables.digests.c.week)))
    return week


def is_frozen(connection: Connection, week: str) -> bool:
    """Whether a week was decided."""
    chosen = select(tables.digests.c.week).where(tables.digests.c.week == week)
    return connection.scalar(chosen) is not None


def find(connection: Connection, week: str) -> WeeklyDigest | None:
    """A week's digest: as it was frozen, or as it stands while the week is open."""
    if not weeks.exists(week):
        return None
    text = connection.scalar(select(tables.digests.c.digest).where(tables.digests.c.week == week))
    if text is not None:
        return digests.read(text)
    return compute(connection, week) if week in open_weeks(connection) else None


def _frozen(connection: Connection) -> Iterator[WeeklyDigest]:
    """Frozen digests that can be read, newest first."""
    chosen = select(tables.digests.c.digest).order_by(tables.digests.c.week.desc())
    with connection.scalars(chosen) as texts:
        yield from filter(None, map(digests.read, texts))


def everything(connection: Connection) -> list[WeeklyDigest]:
    """Every digest, newest first, those of open weeks included."""
    still_open = (compute(connection, week) for week in open_weeks(connection))
    return [*(made for made in still_open if made), *_frozen(connection)]


def tallies(connection: Connection, week: str) -> tuple[FrozenTally, ...]:
    """Every tool's tally as it stands, retired ones included, by slug; without later tools."""
    _, end = weeks.span(week)
    rows = queries.listings(connection, retired=None)
    return tuple(
        FrozenTally(row.tool, row.ship, row.skip, row.bookmarks) for row in rows if row.listed < end
    )


def unfrozen_weeks(connection: Connection, before: int) -> list[str]:
    """The weeks that have to be frozen, oldest first.

    Those after the newest frozen one that ended at or before a moment (microseconds): each week
    of the year before it since anything was listed or reviewed, quiet ones too, and each older one
    in which the panel or the catalog moved.
    """
    frozen = newest_frozen(connection) or ""
    if weeks.exists(frozen) and weeks.span(weeks.following(frozen))[1] > before:
        return []  # The week after it still runs: so it is most of the time.
    moved = {weeks.week_of(moment) for moment in _moments(connection)}
    if not moved:
        return []  # Nothing was ever listed or reviewed, so no vote counts.
    recent = {weeks.week_of(before - age * weeks.LENGTH) for age in range(MOST_WEEKS)}
    found = moved | {week for week in recent if week >= min(moved)}
    return sorted(week for week in found if week > frozen and weeks.span(week)[1] <= before)


def _latest(connection: Connection) -> int | None:
    """The greatest event time; that of a freeze lies behind its week and does not count."""
    chosen = select(func.max(tables.checkpoints.c.latest)).where(
        tables.checkpoints.c.topic != DIGESTS.name,
        tables.checkpoints.c.latest < weeks.LAST_MOMENT,
    )
    latest: int | None = connection.scalar(chosen)
    return latest


def _moments(connection: Connection) -> Iterable[int]:
    """Moments of all weeks in which the catalog or the panel moved, one of each week at least."""
    first = tables.first_listings.c.time
    revised = tables.revisions.c.time
    # Whole weeks since 1970 began on Thursdays; moved by three days they begin on Mondays.
    shift = literal(3 * weeks.DAY)
    chosen = [
        select(func.min(moment)).group_by((moment + shift) // weeks.LENGTH)
        for moment in (first, revised)
    ]
    return [moment for query in chosen for moment in connection.scalars(query)]


def _listed(row: Row[tuple[object, ...]]) -> Listed:
    return Listed(
        row.tool,
        row.name,
        CategoryName(row.category, row.category_name or row.category),
        row.tagline,
        row.entry,
        row.listed,
        TallyNow(row.ship, row.skip, row.bookmarks),
    )


def _revisions(connection: Connection, start: int, end: int) -> list[Revision]:
    """All revisions before `end` of tools that are new since `start` or were reviewed since."""
    every, people = tables.revisions, tables.reviewers
    reviewed = select(every.c.tool).where(every.c.time >= start, every.c.time < end)
    new = select(tables.first_listings.c.tool).where(tables.first_listings.c.time >= start)
    chosen = (
        select(
            every.c.tool,
            every.c.reviewer,
            people.c.name,
            every.c.time,
            every.c.score,
            case((every.c.retracted, None), else_=every.c.verdict).label("verdict"),
            case((every.c.time >= start, every.c.body), else_="").label("body"),
        )
        .join(people, people.c.reviewer == every.c.reviewer)
        .where(and_(every.c.time < end, or_(every.c.tool.in_(reviewed), every.c.tool.in_(new))))
        .order_by(every.c.stamp, every.c.tool, every.c.reviewer)
    )
    return [Revision(*row) for row in connection.execute(chosen)]


def _past(connection: Connection, week: str) -> PreviousTallies:
    """The newest frozen week before this one that was not quiet."""
    chosen = (
        select(tables.digests.c.week, tables.digests.c.tallies)
        .where(tables.digests.c.week < week, tables.digests.c.tallies != {})
        .order_by(tables.digests.c.week.desc())
        .limit(1)
    )
    row = connection.execute(chosen).first()
    if row is None:
        return PreviousTallies()
    return PreviousTallies(
        row.week, {tool: TallyNow(*counts) for tool, counts in row.tallies.items()}
    )
