"""Subscribers as CSV: what an import reads, line by line, and what an export writes."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from infra.errors import VerdictsError
from projections.private.subscribers.addresses import AddressError, CheckedAddress, parse_address
from projections.private.subscribers.preferences import (
    PreferenceError,
    Preferences,
    check_frequency,
    check_timezone,
    check_topics,
)
from projections.private.subscribers.subscriptions import Subscriber

COLUMNS = ("email", "source", "time", "frequency", "topics", "timezone")
EXPORTED = (*COLUMNS, "state", "paused_until", "confirmed")
_ALIASES = {
    "address": "email", "e-mail": "email", "consent_source": "source", "consent_time": "time",
}  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@")

Outcome = Literal["added", "present", "unsubscribed", "suppressed", "repeated", "invalid"]


class FileError(VerdictsError):
    """The file cannot be read; the message is one sentence that says what to do."""


class ConsentedRow(msgspec.Struct, frozen=True):
    """A line with everything that a subscription needs.

    Attributes:
        line: Its number in the file, from 1.
        address: Who subscribed.
        preferences: What the line says, else the defaults.
        source: Where consent was given.
        consented: When.
    """

    line: int
    address: CheckedAddress
    preferences: Preferences
    source: str
    consented: datetime


class LineReport(msgspec.Struct, frozen=True):
    """What became of a line, and why."""

    line: int
    address: str
    outcome: Outcome
    detail: str = ""


def read_rows(
    content: bytes, topics: Collection[str], now: datetime
) -> Iterator[ConsentedRow | LineReport]:
    """Check a file line by line; an address counts once.

    Args:
        content: UTF-8 with a header line; columns in any order, separated by commas, semicolons
            or tabs. `email`, `source` and `time` are needed, the others may be empty.
        topics: Slugs of the categories that exist.
        now: The present time; consent lies in the past.

    Raises:
        FileError: The file is no CSV of this form.
    """
    first_lines: dict[str, int] = {}
    for line, fields in _read_fields(_decode(content)):
        try:
            row = _row(line, fields, topics, now)
        except (AddressError, PreferenceError, FileError) as error:
            yield LineReport(line, fields["email"][:254], "invalid", str(error))
            continue
        first = first_lines.setdefault(row.address.canonical, line)
        if first != line:
            yield LineReport(line, row.address.typed, "repeated", f"As on line {first}.")
        else:
            yield row


def write_rows(subscribers: Iterable[Subscriber]) -> Iterator[str]:
    """The lines of a file, its header first; an import reads it."""
    yield _line(EXPORTED)
    for subscriber in subscribers:
        paused = subscriber.paused_until
        yield _line(
            [
                subscriber.address,
                subscriber.consent_source,
                subscriber.requested.isoformat(),
                subscriber.frequency,
                " ".join(subscriber.topics),
                subscriber.timezone,
                subscriber.state,
                paused.isoformat() if paused else "",
                subscriber.confirmed.isoformat(),
            ]
        )


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"The file is not in UTF-8 (byte 0x{content[error.start]:02x} on line {line}); "
            "save it as CSV UTF-8 and try again."
        ) from None
    if "\0" in text:
        raise FileError("The file is no text; save it as CSV UTF-8 and try again.")
    return text


def _read_fields(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [_column(name) for name in next(reader, [])]
        _require_columns(columns)
        line = reader.line_num
        for cells in reader:
            number, line = line + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                fields = dict(zip(columns, map(_unguard, cells), strict=False))
                yield number, dict.fromkeys(COLUMNS, "") | fields
    except csv.Error as error:
        raise FileError(f"Line {reader.line_num} is no CSV: {error}.") from None


def _column(name: str) -> str:
    name = name.strip().lower()
    return _ALIASES.get(name, name)


def _require_columns(columns: list[str]) -> None:
    missing = [name for name in ("email", "source", "time") if name not in columns]
    if missing:
        raise FileError(
            f"The first line has no column {' and none called '.join(missing)}; it names the "
            "columns: email, source and time of the consent, and if you like frequency, "
            "topics and timezone."
        )
    if len(set(columns)) < len(columns):
        raise FileError("The first line names a column twice.")


def _row(
    line: int, fields: Mapping[str, str], topics: Collection[str], now: datetime
) -> ConsentedRow:
    source = fields["source"].strip()
    if not source or len(source) > 300 or not source.isprintable():
        raise FileError("The column source must say where consent was given.")
    return ConsentedRow(
        line,
        parse_address(fields["email"]),
        Preferences(
            check_frequency(fields["frequency"].strip() or "weekly"),
            check_topics(fields["topics"].split(), topics),
            check_timezone(fields["timezone"].strip() or "UTC"),
        ),
        source,
        check_consent_time(fields["time"], now),
    )


def check_consent_time(text: str, now: datetime) -> datetime:
    """When consent was given, as RFC 3339 or a date; without an offset it is UTC.

    Raises:
        FileError: It is no time, or lies ahead.
    """
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise FileError(
            "The time of the consent must be a date such as 2026-05-04 or 2026-05-04T10:00:00Z."
        ) from None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    if time > now:
        raise FileError("The time of the consent lies ahead.")
    return time


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(map(_guard, cells))
    return text.getvalue()


def _guard(cell: str) -> str:
    """An apostrophe keeps a spreadsheet from reading a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA_STARTS) else cell
