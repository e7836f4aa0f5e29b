"""Moments: whole microseconds since 1970 in UTC inside, RFC 3339 text outside.

Events that come together mostly tell times of the same seconds, so what a second reads like is
remembered; only its fraction is worked out for each.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
REMEMBERED_SECONDS = 4096

_DIGITS = "0123456789"
_NO_MOMENT = "not an RFC 3339 date-time such as 2026-11-20T10:00:00.000Z"
_WHOLE_SECOND = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII
)


def parse(text: str) -> int:
    """Read an RFC 3339 date-time; finer fractions are cut to microseconds.

    Raises:
        ValueError: the text is no RFC 3339 date-time, or names a moment outside years 1 to 9999.
    """
    before, point, after = text.partition(".")
    if not point:
        return _second(text)
    zone = after.lstrip(_DIGITS)
    fraction = after[: len(after) - len(zone)]
    if len(before) != len("2026-11-20T10:00:00") or not fraction:
        raise ValueError(_NO_MOMENT)
    return _second(before + zone) + int(fraction[:6].ljust(6, "0"))


@lru_cache(REMEMBERED_SECONDS)
def _second(text: str) -> int:
    """Read a date-time without a fraction."""
    match = _WHOLE_SECOND.match(text)
    if match is None:
        raise ValueError(_NO_MOMENT)
    *numbers, zone = match.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    told = _zone(zone)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=told)
        return from_datetime(moment.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no such moment: {error}") from None


def _zone(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:])
    if hours > 23 or minutes > 59:
        raise ValueError("the offset from UTC must be below 24:00")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def from_datetime(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (moment - EPOCH) // MICROSECOND


def to_datetime(micros: int) -> datetime:
    """Give the aware UTC datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def rfc3339(micros: int) -> str:
    """RFC 3339 text in UTC, with a fraction only where there is one."""
    second, fraction = divmod(micros, 1_000_000)
    return f"{_text(second)}.{fraction:06}Z" if fraction else f"{_text(second)}Z"


@lru_cache(REMEMBERED_SECONDS)
def _text(second: int) -> str:
    """A second since 1970 as a date-time without its zone, which is UTC."""
    return to_datetime(second * 1_000_000).replace(tzinfo=None).isoformat()
