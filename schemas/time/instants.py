"""Instants: whole microseconds since 1970 in UTC inside, RFC 3339 text outside.

Events of one batch mostly share their seconds, so a cache converts whole seconds and each call
converts its fraction alone.
"""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MICROSECOND = timedelta(microseconds=1)
CACHED_SECONDS = 4096

_DIGITS = "0123456789"
_LEAP_SECOND = "60"
_NOT_A_DATE_TIME = "not an RFC 3339 date-time such as 2026-11-20T10:00:00.000Z"
_WHOLE_SECOND = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII
)


def parse(text: str) -> int:
    """Convert an RFC 3339 date-time to microseconds since 1970; finer fractions are cut.

    A leap second, such as `2016-12-31T23:59:60Z`, is the last microsecond before it.

    Raises:
        ValueError: the text is no RFC 3339 date-time, or lies outside years 1 to 9999.
    """
    if text[17:19] == _LEAP_SECOND:
        return _parse_leap_second(text)
    before, point, after = text.partition(".")
    if not point:
        return _parse_second(text)
    zone = after.lstrip(_DIGITS)
    fraction = after[: len(after) - len(zone)]
    if len(before) != len("2026-11-20T10:00:00") or not fraction:
        raise ValueError(_NOT_A_DATE_TIME)
    return _parse_second(before + zone) + int(fraction[:6].ljust(6, "0"))


def _parse_leap_second(text: str) -> int:
    """Convert a second 60; time in microseconds since 1970 has none, so its fraction is cut."""
    before = parse(f"{text[:17]}59{text[19:]}")
    utc = to_datetime(before)
    ends_month = utc.day == monthrange(utc.year, utc.month)[1]
    if not ends_month or (utc.hour, utc.minute) != (23, 59):
        raise ValueError("no such moment: a leap second ends a month in UTC")
    return before - before % SECOND + SECOND - 1


@lru_cache(CACHED_SECONDS)
def _parse_second(text: str) -> int:
    """Convert a date-time without a fraction."""
    match = _WHOLE_SECOND.match(text)
    if match is None:
        raise ValueError(_NOT_A_DATE_TIME)
    *numbers, zone = match.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    utc_offset = _parse_zone(zone)
    try:
        instant = datetime(year, month, day, hour, minute, second, tzinfo=utc_offset)
        return from_datetime(instant.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no such moment: {error}") from None


def _parse_zone(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:])
    if hours > 23 or minutes > 59:
        raise ValueError("the offset from UTC must be below 24:00")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def from_datetime(instant: datetime) -> int:
    """Convert an aware datetime to microseconds since 1970."""
    return (instant - EPOCH) // MICROSECOND


def to_datetime(micros: int) -> datetime:
    """Convert microseconds since 1970 to an aware UTC datetime."""
    return EPOCH + timedelta(microseconds=micros)


def rfc3339(micros: int) -> str:
    """Convert microseconds since 1970 to RFC 3339 text in UTC; a zero fraction is left out."""
    second, fraction = divmod(micros, 1_000_000)
    text = _format_second(second)
    return f"{text}.{fraction:06}Z" if fraction else f"{text}Z"


@lru_cache(CACHED_SECONDS)
def _format_second(second: int) -> str:
    """Convert seconds since 1970 to a UTC date-time without its zone."""
    return to_datetime(second * 1_000_000).replace(tzinfo=None).isoformat()
