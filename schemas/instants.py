"""Moments: whole microseconds since 1970 in UTC inside, RFC 3339 text outside."""

import re
from datetime import UTC, datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))\Z",
    re.ASCII,
)


def parse(text: str) -> int:
    """Read an RFC 3339 date-time; finer fractions are cut to microseconds.

    Raises:
        ValueError: the text is no RFC 3339 date-time, or names a moment outside years 1 to 9999.
    """
    match = _RFC3339.match(text)
    if match is None:
        raise ValueError("not an RFC 3339 date-time such as 2026-11-20T10:00:00.000Z")
    year, month, day, hour, minute, second, fraction, zulu, sign, off_hour, off_minute = (
        match.groups()
    )
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    zone: timezone = UTC
    if not zulu:
        if int(off_hour) > 23 or int(off_minute) > 59:
            raise ValueError("the offset from UTC must be below 24:00")
        offset = timedelta(hours=int(off_hour), minutes=int(off_minute))
        zone = timezone(-offset if sign == "-" else offset)
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second), micros, zone
        )
        return from_datetime(moment.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no such moment: {error}") from None


def from_datetime(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (moment - EPOCH) // MICROSECOND


def to_datetime(micros: int) -> datetime:
    """Give the aware UTC datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def rfc3339(micros: int) -> str:
    """RFC 3339 text in UTC, with a fraction only where there is one."""
    return to_datetime(micros).isoformat().replace("+00:00", "Z")
