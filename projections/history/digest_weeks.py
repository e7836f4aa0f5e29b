"""The state of a week's digest: running, open, frozen, or due for freezing.

The running week is the newest with events, as the checkpoints know it: no clock decides. It is
open, and so is the week before it until a worker freezes that one, some time after its end.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, func, literal, select

from projections import tables
from schemas.time import weeks
from schemas.topics import DIGESTS

# Older weeks are frozen only if the catalog or the panel changed in them.
MAX_QUIET_WEEKS = 53


def find_running_week(connection: Connection) -> str | None:
    """Name the newest week with events, unless it is frozen already."""
    latest = _find_latest_event_time(connection)
    if latest is None:
        return None
    week = weeks.week_of(latest)
    frozen = find_newest_frozen_week(connection)
    return week if frozen is None or frozen < week else None


def list_open_weeks(connection: Connection) -> list[str]:
    """Name the weeks whose digests still change, newest first: the running one, the one before.

    Until the one before is frozen, both digests are compared with the same older tallies, so the
    changes of one appear in the other too.
    """
    running = find_running_week(connection)
    if running is None:
        return []
    frozen = find_newest_frozen_week(connection) or ""
    return [week for week in (running, weeks.preceding(running)) if week and week > frozen]


def find_newest_frozen_week(connection: Connection) -> str | None:
    """Name the newest frozen week, with a digest or quiet."""
    week: str | None = connection.scalar(select(func.max(tables.digests.c.week)))
    return week


def is_frozen(connection: Connection, week: str) -> bool:
    """Whether a worker has frozen a week."""
    query = select(tables.digests.c.week).where(tables.digests.c.week == week)
    return connection.scalar(query) is not None


def list_unfrozen_weeks(connection: Connection, before: int) -> list[str]:
    """Name the weeks that are due for freezing, oldest first.

    A week is due when it is newer than the newest frozen week and ended at or before `before`
    (microseconds since 1970). That includes quiet weeks of the last year since the first listing
    or review; of older weeks, those in which the panel or the catalog changed.
    """
    frozen = find_newest_frozen_week(connection) or ""
    if weeks.exists(frozen) and weeks.span(frozen)[1] + weeks.LENGTH > before:
        return []  # The usual case: the week after it has not ended.
    changed = {weeks.week_of(time) for time in _read_change_times(connection)}
    if not changed:
        return []  # Without listings and reviews no vote counts.
    recent = {weeks.week_of(before - age * weeks.LENGTH) for age in range(MAX_QUIET_WEEKS)}
    due = changed | {week for week in recent if week >= min(changed)}
    return sorted(week for week in due if week > frozen and weeks.span(week)[1] <= before)


def _find_latest_event_time(connection: Connection) -> int | None:
    """Read the greatest event time; a freeze happens after its week and does not count."""
    query = select(func.max(tables.checkpoints.c.latest)).where(
        tables.checkpoints.c.topic != DIGESTS.name,
        tables.checkpoints.c.latest < weeks.LAST_MOMENT,
    )
    latest: int | None = connection.scalar(query)
    return latest


def _read_change_times(connection: Connection) -> Iterable[int]:
    """Read one time or more of each week in which the catalog or the panel changed."""
    # Counted from the calendar's first Monday no number is negative: SQL divides towards zero.
    first = literal(weeks.FIRST_MOMENT)
    queries = [
        select(func.min(time)).group_by((time - first) // weeks.LENGTH)
        for time in (
            tables.first_listings.c.time,
            tables.revisions.c.time,
            tables.merges.c.time,
            tables.departures.c.time,
        )
    ]
    return [time for query in queries for time in connection.scalars(query)]
