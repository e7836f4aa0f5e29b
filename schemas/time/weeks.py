"""ISO weeks in UTC, such as `2026-W47`: from Monday's midnight up to, not including, the next."""

from datetime import UTC, datetime

from schemas.time.instants import from_datetime, to_datetime

DAY = 24 * 60 * 60 * 1_000_000
LENGTH = 7 * DAY
# The last weeks that a calendar of four-digit years holds whole.
LAST_MOMENT = from_datetime(datetime(9999, 12, 20, tzinfo=UTC))


def week_of(moment: int) -> str:
    """The week of a moment in microseconds since 1970."""
    year, week, _ = to_datetime(moment).isocalendar()
    return f"{year:04}-W{week:02}"


def span(week: str) -> tuple[int, int]:
    """Where a week begins, and where the next one does, in microseconds since 1970.

    Raises:
        ValueError: there is no such week, as in most years no 53rd.
    """
    year, number = week.split("-W")
    start = from_datetime(datetime.fromisocalendar(int(year), int(number), 1).replace(tzinfo=UTC))
    return start, start + LENGTH


def following(week: str) -> str:
    """The week after this one."""
    return week_of(span(week)[1])


def exists(week: str) -> bool:
    """Whether the calendar has that week, spelled that way."""
    try:
        return bool(week) and week_of(span(week)[0]) == week
    except (ValueError, OverflowError):
        return False
