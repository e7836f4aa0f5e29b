from html import unescape

import msgspec
import pytest

from publishers.templating.environment import Meta, page
from publishers.views.digests import digest
from publishers.views.digests.digest import digest_list, digest_page
from publishers.views.digests.digest_items import EXCERPT_LENGTH, signed
from publishers.views.feeds.digest_entry import digest_entry
from publishers.views.feeds.feed_entries import feed
from publishers.views.last_modified import Dates
from schemas.digests import Counts, WeeklyDigest
from tests.harness.digest_records import a_digest


def without_news(**counts: int) -> WeeklyDigest:
    return msgspec.structs.replace(
        a_digest(), counts=Counts(**counts), panel_changes=[], flips=[], new_tools=[], merges=[]
    )


def test_a_digest_is_titled_by_its_week() -> None:
    view = digest_page(a_digest("2026-W04"))
    assert (view.title, view.path) == ("Week 4, 2026", "/digests/2026-W04/")


@pytest.mark.parametrize(
    ("week", "dates"),
    [
        ("2026-W47", "16\N{EN DASH}22 November 2026"),
        ("2026-W44", "26 October \N{EN DASH} 1 November 2026"),
        ("2026-W53", "28 December 2026 \N{EN DASH} 3 January 2027"),
    ],
)
def test_the_dates_of_a_week_leave_out_what_both_ends_share(week: str, dates: str) -> None:
    assert digest_page(a_digest(week)).dates == dates


def test_the_summary_counts_what_there_is_and_no_more() -> None:
    assert digest.summary(without_news(flips=1)) == "1 community flip."
    summary = digest.summary(without_news(panel_changes=2, reviews=1, votes=-3))
    assert summary == "2 new or changed panel verdicts, 1 review and 3 fewer votes."
    assert digest.summary(without_news()) == "A quiet week with only small changes."


def test_an_open_week_says_so_far() -> None:
    running = digest_page(a_digest(frozen=False))
    assert running.running
    assert running.summary.endswith(" so far.")
    assert not digest_page(a_digest()).running


def test_sections_without_items_are_left_out() -> None:
    bare = msgspec.structs.replace(a_digest(), flips=[], reviews=[], close_calls=[])
    keys = [section.key for section in digest_page(bare).sections]
    assert keys == ["panel", "new", "merges", "votes", "bookmarks"]


def test_each_kind_of_news_has_its_line() -> None:
    lines = {section.key: section.items[0].line for section in digest_page(a_digest()).sections}
    assert lines == {
        "panel": "0 ship / 2 skip · average 31, was 47.5",
        "flips": "40 ship / 122 skip, was 90 ship / 80 skip",
        "new": "Freemium · listed 20 November",
        "merges": "takes over from Quilt",
        "reviews": "Skeptic: 34/100 · skip (previously ship)",
        "close": "90 ship / 80 skip, 10 votes apart",
        "votes": "\N{MINUS SIGN}50 ship, +42 skip · now 40 ship / 122 skip",
        "bookmarks": "\N{MINUS SIGN}4 · now 12",
    }  # fmt: skip


def test_a_review_is_shown_by_its_beginning_without_markup() -> None:
    (pick,) = next(
        section.items for section in digest_page(a_digest()).sections if section.key == "reviews"
    )
    assert pick.text.startswith("It edits what it did not read. It edits")
    assert len(pick.text) <= EXCERPT_LENGTH
    assert pick.path == "/tools/patchwork/#skeptic"


def test_a_shortened_list_counts_the_items_left_out() -> None:
    many = msgspec.structs.replace(a_digest(), counts=Counts(new_tools=1_301))
    (section,) = (each for each in digest_page(many).sections if each.key == "new")
    assert section.more == "and 1,300 more"


def test_a_digest_links_to_its_neighbours() -> None:
    view = digest_page(a_digest("2026-W47"), ["2026-W48", "2026-W47", "2026-W45", "2026-W44"])
    assert view.earlier == digest.DigestLink("/digests/2026-W45/", "Week 45, 2026")
    assert view.later == digest.DigestLink("/digests/2026-W48/", "Week 48, 2026")
    assert digest_page(a_digest(), ["2026-W47"]).earlier is None


def test_the_list_has_the_newest_first() -> None:
    weeks = [a_digest("2026-W46"), a_digest("2026-W48", frozen=False), a_digest("2026-W47")]
    assert [(listing.path, listing.running) for listing in digest_list(weeks)] == [
        ("/digests/2026-W48/", True),
        ("/digests/2026-W47/", False),
        ("/digests/2026-W46/", False),
    ]


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (1_204, "+1,204"), (-3, "\N{MINUS SIGN}3")])
def test_a_change_has_its_sign(number: int, text: str) -> None:
    assert signed(number) == text


def test_a_digest_is_an_entry_of_a_feed() -> None:
    named = msgspec.structs.replace(a_digest().flips[0], name="<b>Patch</b> & work")
    digest = msgspec.structs.replace(a_digest(), flips=[named])
    entry = digest_entry(digest, Dates(digest.end, digest.end), demo=False)
    assert (entry.path, entry.updated) == ("/digests/2026-W47/", "2026-11-23T00:00:00Z")
    xml = page("feed.xml", "", Meta("", "", ""), feed("", "", "", None, [entry])).decode()
    assert (
        "<li><strong>&lt;b&gt;Patch&lt;/b&gt; &amp; work</strong>: Community: Ship → Skip;"
        in unescape(xml)
    )
