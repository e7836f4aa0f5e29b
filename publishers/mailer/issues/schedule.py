"""When a week's digest is due: Monday, at the subscriber's local hour. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.time import weeks
from schemas.time.instants import to_datetime


def monday_after(week: str) -> date:
    """The Monday after a week: the day on which its digest goes out, everywhere."""
    return to_datetime(weeks.span(week)[1]).date()


def is_first_monday(day: date) -> bool:
    """Whether this Monday is the first of its month: then monthly subscribers get theirs."""
    return day.day <= 7


def due_in(zone: str, day: date, hour: int) -> datetime:
    """The moment of a local hour, in UTC; an unknown zone counts as UTC.

    An hour that a change of clocks skips is the same time after the skipped ones; of one that
    comes twice it is the first.
    """
    try:
        local = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        local = ZoneInfo("UTC")
    return datetime.combine(day, time(hour), local).astimezone(UTC)


def dues(zones: Iterable[str], day: date, hour: int) -> dict[str, datetime]:
    """When the digest is due in each zone."""
    return {zone: due_in(zone, day, hour) for zone in zones}


def month_before(day: date) -> date:
    """The first day of the month before a day."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def weeks_of_month(month: date) -> list[str]:
    """The weeks of a month; each belongs to the month of its Sunday, so to one edition."""
    following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    days = (month + timedelta(days=number) for number in range((following - month).days))
    sundays = [day for day in days if day.isoweekday() == 7]
    return [f"{day.isocalendar().year:04}-W{day.isocalendar().week:02}" for day in sundays]
