from datetime import UTC, datetime, timedelta, timezone

import pytest

from publishers.views.text.formatting import (
    community_line,
    count,
    day,
    initial,
    instant,
    mean,
    panel_line,
    percent,
    shorten,
    xml_text,
)
from schemas.records import Community, Panel
from tests.harness.records import a_review


@pytest.mark.parametrize(
    ("ships", "skips", "line"),
    [
        (4, 0, "Ship · 4 ship / 0 skip"),
        (1, 2, "Skip · 1 ship / 2 skip"),
        (2, 2, "Split · 2 ship / 2 skip"),
        (0, 0, "No verdict yet"),
    ],
)
def test_the_panels_verdict_has_its_counts(ships: int, skips: int, line: str) -> None:
    reviews = [a_review(verdict="ship")] * ships + [a_review(verdict="skip")] * skips
    assert panel_line(Panel.of(reviews)) == line


@pytest.mark.parametrize(
    ("ships", "skips", "line"),
    [
        (12, 3, "Ship · 12 ship / 3 skip"),
        (0, 1, "Skip · 0 ship / 1 skip"),
        (5, 5, "Split · 5 ship / 5 skip"),
        (0, 0, "No community votes yet"),
    ],
)
def test_the_communitys_verdict_has_its_counts(ships: int, skips: int, line: str) -> None:
    assert community_line(Community.of(ships, skips)) == line


def test_a_share_is_a_percentage_or_nothing() -> None:
    assert (percent(100), percent(0), percent(None)) == ("100%", "0%", "")


def test_a_mean_has_no_trailing_zeros() -> None:
    assert [mean(value) for value in (83.25, 83.5, 80.0, 100.0, 0.0, None)] == [
        "83.25",
        "83.5",
        "80",
        "100",
        "0",
        "—",
    ]


def test_numbers_agree_with_their_nouns() -> None:
    assert (count(1, "vote"), count(0, "vote")) == ("1 vote", "0 votes")
    assert (count(2041, "vote"), count(2, "entry", "entries")) == ("2,041 votes", "2 entries")


def test_days_are_days_in_utc() -> None:
    late_in_new_york = datetime(2026, 11, 20, 22, tzinfo=timezone(timedelta(hours=-5)))
    assert day(late_in_new_york) == "21 November 2026"
    assert instant(late_in_new_york) == "2026-11-21T03:00:00Z"
    assert day(datetime(2026, 1, 2, tzinfo=UTC)) == "2 January 2026"


def test_the_avatar_is_the_first_letter_or_digit() -> None:
    assert [initial(name) for name in ("claude", "“Ægir”", "3D", "…")] == ["C", "Æ", "3", "•"]


def test_a_text_is_cut_between_words() -> None:
    assert shorten("one  two\nthree", 20) == "one two three"
    assert shorten("one two three four", 14) == "one two three…"
    assert shorten("unbreakable" * 9, 10) == "unbreakab…"


def test_characters_that_xml_forbids_are_left_out() -> None:
    assert xml_text("a\x08b\x1f\ufffe c\n😀") == "ab c\n😀"
