from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.time import instants

NOON = instants.parse("2026-11-20T12:00:00Z")


def test_the_epoch_is_zero() -> None:
    assert instants.parse("1970-01-01T00:00:00Z") == 0
    assert instants.parse("1970-01-01T00:00:01Z") == 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T12:00:00Z",
        "2026-11-20T12:00:00.000Z",
        "2026-11-20t12:00:00z",
        "2026-11-20 12:00:00Z",
        "2026-11-20T12:00:00+00:00",
        "2026-11-20T12:00:00-00:00",
        "2026-11-20T13:30:00+01:30",
        "2026-11-20T04:00:00-08:00",
        "2026-11-21T11:59:00+23:59",
    ],
)
def test_one_moment_can_be_written_in_many_ways(text: str) -> None:
    assert instants.parse(text) == NOON


@pytest.mark.parametrize(
    ("fraction", "micros"),
    [
        ("1", 100_000),
        ("12", 120_000),
        ("000001", 1),
        ("0000019", 1),
        ("999999999999", 999_999),
        ("123456" + "9" * 40, 123_456),
    ],
)
def test_a_fraction_is_cut_to_microseconds_never_rounded(fraction: str, micros: int) -> None:
    assert instants.parse(f"2026-11-20T12:00:00.{fraction}Z") == NOON + micros


def test_a_moment_before_1970_is_cut_towards_the_past_alike() -> None:
    assert instants.parse("1969-12-31T23:59:59.9999999Z") == -1


@pytest.mark.parametrize(
    "text",
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2024-02-29T00:00:00Z"],
)
def test_years_1_to_9999_are_read_and_written_alike(text: str) -> None:
    assert instants.rfc3339(instants.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z"),
        ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999999Z"),
        ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.999999Z"),
        ("2012-07-01t00:59:60.000+01:00", "2012-06-30T23:59:59.999999Z"),
        ("9999-12-31T23:59:60Z", "9999-12-31T23:59:59.999999Z"),
        ("1972-02-29T23:59:60Z", "1972-02-29T23:59:59.999999Z"),
    ],
)
def test_a_leap_second_is_the_last_microsecond_before_it(text: str, moment: str) -> None:
    assert instants.rfc3339(instants.parse(text)) == moment


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)))
def test_every_moment_that_is_written_is_read_alike(clock: datetime) -> None:
    micros = instants.from_datetime(clock.replace(tzinfo=UTC))
    assert instants.parse(instants.rfc3339(micros)) == micros


@pytest.mark.parametrize(
    "text",
    [
        "2016-12-31T23:58:60Z",
        "2016-12-31T23:59:60+01:00",
        "2016-12-30T23:59:60Z",
        "2016-12-31T23:59:60",
        "2016-12-31T23:59:60.Z",
        "0000-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T12:60:00Z",
        "2026-11-20T12:00:61Z",
        "2026-11-20T12:00:00",
        "2026-11-20T12:00Z",
        "2026-11-20",
        "2026-11-20T12:00:00.Z",
        "2026-11-20T12:00:00.5",
        "2026-11-20T12:00:00.5.5Z",
        "2026-11-20T12:00.5:00Z",
        "2026-11-20.5T12:00:00Z",
        "2026-11-20T12:00:00Z.5",
        "2026-11-20T12:00:00.\N{ARABIC-INDIC DIGIT FIVE}Z",
        "2026-11-20T12:00:00.-5Z",
        "2026-11-20T12:00:00,5Z",
        "2026-11-20T12:00:00+0100",
        "2026-11-20T12:00:00+24:00",
        "2026-11-20T12:00:00+01:60",
        "2026-11-20T12:00:00Z\n",
        " 2026-11-20T12:00:00Z",
        "2026-11-20T12:00:00 Z",
        "20261120T120000Z",
        "٢٠٢٦-11-20T12:00:00Z",
        "+2026-11-20T12:00:00Z",
        "1763632800",
        "",
    ],
)
def test_what_is_no_moment_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|no such moment|offset"):
        instants.parse(text)


def test_outside_a_moment_has_a_fraction_only_where_there_is_one() -> None:
    assert instants.rfc3339(NOON) == "2026-11-20T12:00:00Z"
    assert instants.rfc3339(NOON + 1) == "2026-11-20T12:00:00.000001Z"


def test_microseconds_survive_the_way_through_a_datetime() -> None:
    for micros in (0, -1, 1, NOON, NOON + 999_999, -62_135_596_800_000_000):
        assert instants.from_datetime(instants.to_datetime(micros)) == micros


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_every_moment_is_read_as_the_standard_library_reads_it(
    clock: datetime, minutes: int
) -> None:
    moment = clock.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    micros = instants.from_datetime(moment.astimezone(UTC))
    assert instants.parse(moment.isoformat()) == micros
    assert datetime.fromisoformat(instants.rfc3339(micros)) == moment
