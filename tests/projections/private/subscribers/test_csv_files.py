"""Files of subscribers: every line is judged, and none is lost."""

from datetime import UTC, date, datetime

import pytest

from projections.private.subscribers.csv_files import (
    ConsentedRow,
    FileError,
    LineReport,
    read_rows,
    write_rows,
)
from projections.private.subscribers.subscriptions import Subscriber

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HEADER = "email,source,time,frequency,topics,timezone\n"


def read(content: str | bytes) -> list[ConsentedRow | LineReport]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read_rows(raw, {"editors", "voice"}, NOW))


def one(content: str) -> ConsentedRow:
    (row,) = read(content)
    assert isinstance(row, ConsentedRow), row
    return row


def test_a_line_brings_address_preferences_and_proof_of_consent() -> None:
    row = one(HEADER + "Jane@Example.com,booth,2026-05-04,monthly,voice editors,Asia/Tokyo\n")
    assert (row.line, row.address.canonical, row.source) == (2, "jane@example.com", "booth")
    assert row.consented == datetime(2026, 5, 4, tzinfo=UTC)
    assert row.preferences.topics == ("editors", "voice")
    assert (row.preferences.frequency, row.preferences.timezone) == ("monthly", "Asia/Tokyo")


@pytest.mark.parametrize(
    "content",
    [
        "email,source,time\njane@example.com,booth,2026-05-04\n",
        "\ufeffemail,source,time\r\njane@example.com,booth,2026-05-04\r\n",
        "Time;Consent_Source;Address;Name\n2026-05-04T00:00:00Z;booth;jane@example.com;Jane\n",
        'email\tsource\ttime\n"jane@example.com"\tbooth\t2026-05-04T02:00:00+02:00',
        "\n".join(["email,source,time", "", " , ,", "jane@example.com,booth,2026-05-04", ""]),
    ],
)
def test_files_of_spreadsheets_read_alike(content: str) -> None:
    row = one(content)
    assert (row.address.typed, row.source) == ("jane@example.com", "booth")
    assert row.consented == datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("jane,booth,2026-05-04,,,", "@-sign"),
        (",booth,2026-05-04,,,", "Enter an email address"),
        ("jane@example.com,,2026-05-04,,,", "where consent was given"),
        ("jane@example.com,booth,,,,", "must be a date"),
        ("jane@example.com,booth,4.5.2026,,,", "must be a date"),
        ("jane@example.com,booth,2027-01-01,,,", "lies ahead"),
        ("jane@example.com,booth,2026-05-04,daily,,", "weekly or monthly"),
        ("jane@example.com,booth,2026-05-04,,cars,", "no category"),
        ("jane@example.com,booth,2026-05-04,,,Mars/Base", "no such time zone"),
        ("jane@example.com", "where consent was given"),
    ],
)
def test_an_invalid_line_is_explained_and_the_others_count(line: str, words: str) -> None:
    report, row = read(HEADER + line + "\njo@example.com,booth,2026-05-04,,,\n")
    assert isinstance(report, LineReport)
    assert (report.line, report.outcome) == (2, "invalid")
    assert words in report.detail
    assert isinstance(row, ConsentedRow)


def test_an_address_counts_once_in_a_file() -> None:
    _, report = read(HEADER + "a@example.com,x,2026-05-04,,,\nA@EXAMPLE.COM,x,2026-05-04,,,\n")
    assert isinstance(report, LineReport)
    assert (report.line, report.outcome, report.detail) == (3, "repeated", "As on line 2.")


def test_a_line_number_is_that_of_the_file_where_cells_have_several_lines() -> None:
    *_, report = read(HEADER + '"a@example.com","one\nbooth",2026-05-04,,,\nbad,x,2026-05-04,,,\n')
    assert isinstance(report, LineReport)
    assert report.line == 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("email,source,time\nj\xe4ne@example.com,x,2026-05-04\n".encode("latin-1"),
         "not in UTF-8 (byte 0xe4 on line 2)"),
        ("email,source,time\n".encode("utf-16"), "UTF-8"),
        (b"", "email, source and time"),
        (b"name,age\nJane,30\n", "email, source and time"),
        (b"email,email,source,time\n", "twice"),
        (b'email,source,time\n"jane@example.com,x,y\n', "no CSV"),
        (b"email,source,time\njane\0@example.com,x,y\n", "CSV UTF-8"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(content: bytes, words: str) -> None:
    with pytest.raises(FileError) as refused:
        read(content)
    assert words in str(refused.value)


def test_an_export_is_read_by_an_import_and_by_no_spreadsheet_as_a_formula() -> None:
    subscriber = Subscriber(
        id="a" * 16,
        address="=1+1@example.com",
        frequency="monthly",
        topics=("editors",),
        timezone="Asia/Tokyo",
        paused_until=date(2026, 12, 24),
        requested=NOW,
        confirmed=NOW,
        consent_source="website, form",
        unsubscribed=None,
        soft_bounces=0,
        suppressed=None,
    )
    lines = list(write_rows([subscriber]))
    assert lines[1].startswith("'=1+1@example.com,")
    row = one("\r\n".join(lines))
    assert (row.address.typed, row.source) == (subscriber.address, subscriber.consent_source)
    assert (row.preferences.topics, row.consented) == (("editors",), NOW)
