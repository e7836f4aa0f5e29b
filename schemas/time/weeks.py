"""ISO weeks in UTC, such as `2026-W47`: from Monday's midnight up to, not including, the next."""

from datetime import UTC, datetime

from schemas.time.instants import from_datetime, to_datetime

DAY = 24 * 60 * 60 * 1_000_000
LENGTH = 7 * DAY
# The start of the calendar's first week, a Monday.
FIRST_MOMENT = from_datetime(datetime(1, 1, 1, tzinfo=UTC))
# The end of the last whole week in a calendar of four-digit years.
LAST_MOMENT = from_datetime(datetime(9999, 12, 20, tzinfo=UTC))


def week_of(instant: int) -> str:
    """Name the week of an instant in microseconds since 1970."""
    year, week, _ = to_datetime(instant).isocalendar()
    return f"{year:04}-W{week:02}"


def span(week: str) -> tuple[int, int]:
    """Return the start of a week and of the next one, in microseconds since 1970.

    Raises:
        ValueError: the calendar has no such week; most years have no 53rd.
    """
    year, number = week.split("-W")
    start = from_datetime(datetime.fromisocalendar(int(year), int(number), 1).replace(tzinfo=UTC))
    return start, start + LENGTH


def following(week: str) -> str:
    """Name the week after this one."""
    return week_of(span(week)[1])


def preceding(week: str) -> str | None:
    """Name the week before this one; None for the calendar's first."""
    start, _ = span(week)
    return week_of(start - 1) if start > FIRST_MOMENT else None


def exists(week: str) -> bool:
    """Whether the calendar has this week, in this spelling."""
    try:
        return bool(week) and week_of(span(week)[0]) == week
    except (ValueError, OverflowError):
        return False
