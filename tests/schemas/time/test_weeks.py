from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.time import instants, weeks


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        ("2026-11-16T00:00:00Z", "2026-W47"),
        ("2026-11-22T23:59:59.999999Z", "2026-W47"),
        ("2026-11-23T00:00:00Z", "2026-W48"),
        ("2027-01-03T12:00:00Z", "2026-W53"),
        ("2024-12-30T00:00:00Z", "2025-W01"),
        ("1969-12-31T23:59:59Z", "1970-W01"),
    ],
)
def test_a_moment_belongs_to_its_iso_week(moment: str, week: str) -> None:
    assert weeks.week_of(instants.parse(moment)) == week


def test_a_week_begins_on_monday_and_ends_where_the_next_begins() -> None:
    start, end = weeks.span("2026-W47")
    assert instants.rfc3339(start) == "2026-11-16T00:00:00Z"
    assert instants.rfc3339(end) == "2026-11-23T00:00:00Z"
    assert weeks.following("2026-W53") == "2027-W01"


@pytest.mark.parametrize("week", ["2026-W47", "2026-W53", "0001-W01", "9999-W50"])
def test_a_week_of_the_calendar_exists(week: str) -> None:
    assert weeks.exists(week)


@pytest.mark.parametrize("week", ["", "2025-W53", "2026-W00", "2026-W7", "2026-47", "0000-W01"])
def test_what_is_no_week_does_not_exist(week: str) -> None:
    assert not weeks.exists(week)


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 19, 23, 59, 59, 999999)))
def test_a_week_holds_each_of_its_moments_and_lies_between_its_neighbours(clock: datetime) -> None:
    moment = instants.from_datetime(clock.replace(tzinfo=UTC))
    week = weeks.week_of(moment)
    start, end = weeks.span(week)
    assert start <= moment < end
    assert weeks.exists(week)
    assert weeks.preceding(weeks.following(week)) == week
    assert (weeks.preceding(week) is None) == (week == "0001-W01")


def test_nothing_precedes_the_first_week_of_the_calendar() -> None:
    assert weeks.preceding("0001-W01") is None
    assert weeks.preceding("2025-W01") == "2024-W52"
