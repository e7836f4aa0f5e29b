"""Monday at the local hour, in every time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from publishers.mailer.issues.schedule import (
    due_in,
    is_first_monday,
    monday_after,
    month_before,
    weeks_of_month,
)


@pytest.mark.parametrize("week", ["2026-W12", "2026-W13", "2026-W43", "2026-W44", "2026-W53"])
def test_every_zone_gets_it_on_monday_at_its_hour_also_when_clocks_change(week: str) -> None:
    monday = monday_after(week)
    assert monday.isoweekday() == 1
    for zone in available_timezones():
        due = due_in(zone, monday, 8)
        local = due.astimezone(ZoneInfo(zone))
        assert (local.date(), local.hour, local.minute) == (monday, 8, 0), zone
        middle = datetime(monday.year, monday.month, monday.day, 8, tzinfo=UTC)
        assert abs(due - middle) <= timedelta(hours=14)


def test_an_unknown_zone_counts_as_utc() -> None:
    assert due_in("Mars/Base", date(2026, 11, 23), 8) == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_a_skipped_hour_is_the_same_time_after_the_gap_and_a_doubled_one_the_first() -> None:
    skipped = due_in("Europe/Berlin", date(2026, 3, 29), 2)
    assert skipped == datetime(2026, 3, 29, 1, tzinfo=UTC)
    doubled = due_in("Europe/Berlin", date(2026, 10, 25), 2)
    assert doubled == datetime(2026, 10, 25, 0, tzinfo=UTC)


def test_each_week_belongs_to_one_month() -> None:
    months = [date(2026, month, 1) for month in range(1, 13)]
    weeks = [week for month in months for week in weeks_of_month(month)]
    assert len(weeks) == len(set(weeks)) == 52
    assert weeks_of_month(date(2026, 11, 1)) == [f"2026-W{number}" for number in range(44, 49)]
    assert month_before(date(2026, 1, 5)) == date(2025, 12, 1)
    assert [is_first_monday(date(2026, 12, day)) for day in (7, 14)] == [True, False]
