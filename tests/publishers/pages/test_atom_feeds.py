"""Feeds and the sitemap after each of a series of edits: what changes gets a newer time."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

import msgspec
import pytest

from publishers.content import content_cache
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from schemas import digests
from schemas.events import DigestFrozen, Event
from schemas.time import instants
from schemas.time.instants import rfc3339
from tests.harness.digest_records import a_digest
from tests.harness.examples import (
    MINUTE,
    NOON,
    a_category,
    a_listing,
    a_merge,
    a_retirement,
    a_retracted_review,
    a_review,
    a_reviewer,
    an_event,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration

SITE = "https://verdicts.example"
ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
FEEDS = ("/feed.xml", "/categories/insects/feed.xml", "/categories/pets/feed.xml",
         "/tools/ant/feed.xml", "/tools/bee/feed.xml")  # fmt: skip


def at(minute: int) -> int:
    return NOON + minute * MINUTE


def with_price(tool: str, pricing: str, time: int) -> Event:
    listing = a_listing(tool, tool.title(), "insects")
    return an_event(msgspec.structs.replace(listing.data, pricing=pricing), time=time)


EDITS: list[Event] = [
    a_category("insects", "Insects", time=at(0)),
    a_listing("ant", "Ant", "insects", time=at(1)),
    a_listing("bee", "Bee", "insects", time=at(2)),
    a_reviewer("ann", "Ann", time=at(3)),
    a_review(80, tool="ant", reviewer="ann", time=at(4)),
    a_review(70, tool="ant", reviewer="zoe", time=at(5)),
    a_reviewer("zoe", "Zoe", time=at(6)),  # her review shows from now on
    a_review(60, "skip", tool="ant", reviewer="ann", time=at(7)),
    a_review(60, "skip", tool="ant", reviewer="ann", disclosure="A free seat.", time=at(8)),
    with_price("ant", "Ten euros", time=at(9)),
    a_retracted_review(tool="ant", reviewer="ann", time=at(10)),
    a_retracted_review(tool="ant", reviewer="zoe", time=at(11)),
    a_review(90, tool="ant", reviewer="ann", time=at(12)),
    a_reviewer("ann", "Annabel", time=at(13)),
    a_category("insects", "Six Legs", time=at(14)),
    a_listing("ant", "Ant", "pets", time=at(15)),  # it leaves a category, and enters another
    a_retirement("ant", time=at(16)),
    a_listing("ant", "Ant", "insects", time=at(17)),
    a_retirement("bee", time=at(18)),
]


class ReadEntry(NamedTuple):
    published: str
    updated: str
    text: str


class ReadFeed(NamedTuple):
    updated: str
    text: str
    entries: dict[str, ReadEntry]


def rendered(journal: Journal, path: str) -> str | None:
    content: InMemoryContent = journal.read(content_cache.load)
    body = catalogue.render(content, path, SITE)
    return None if body is None else body.decode()


def read_feed(journal: Journal, path: str) -> ReadFeed | None:
    text = rendered(journal, path)
    if text is None:
        return None
    feed = ElementTree.fromstring(text)
    entries = {
        entry.findtext(f"{ATOM}id", "").removeprefix(SITE): ReadEntry(
            entry.findtext(f"{ATOM}published", ""),
            entry.findtext(f"{ATOM}updated", ""),
            ElementTree.tostring(entry, "unicode"),
        )
        for entry in feed.findall(f"{ATOM}entry")
    }
    return ReadFeed(feed.findtext(f"{ATOM}updated", ""), text, entries)


def versions(journal: Journal, path: str) -> Iterator[ReadFeed]:
    """The feed after each edit that leaves one."""
    for edit in EDITS:
        journal.apply(edit)
        if feed := read_feed(journal, path):
            yield feed


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_that_changes_has_a_newer_time_and_none_goes_back(
    journal: Journal, path: str
) -> None:
    before: ReadFeed | None = None
    for feed in versions(journal, path):
        if before and feed.text != before.text:
            assert feed.updated > before.updated
            assert all(entry.updated <= feed.updated for entry in feed.entries.values())
        before = feed
    assert before


@pytest.mark.parametrize("path", FEEDS)
def test_an_entry_that_changes_has_a_newer_time_and_none_goes_back(
    journal: Journal, path: str
) -> None:
    known: dict[str, ReadEntry] = {}
    changes = 0
    for feed in versions(journal, path):
        for name, entry in feed.entries.items():
            if name in known and entry.text != known[name].text:
                assert entry.updated > known[name].updated, name
                changes += 1
            assert entry.published <= entry.updated
        known |= feed.entries
    assert changes or "pets" in path or "bee" in path


def test_an_entry_keeps_the_time_of_its_first_version(journal: Journal) -> None:
    journal.apply(*EDITS[:10])
    feed = read_feed(journal, "/tools/ant/feed.xml")
    assert feed
    times = {name: (entry.published, entry.updated) for name, entry in feed.entries.items()}
    listed, first, revised = (instants.rfc3339(at(minute)) for minute in (1, 4, 9))
    assert times["/tools/ant/"] == (listed, revised)
    assert times["/tools/ant/#ann"] == (first, revised)


def test_every_fact_of_a_tool_and_every_part_of_a_review_is_in_its_entry(journal: Journal) -> None:
    review = a_review(tool="ant", pros=("Small",), cons=("Bites",), disclosure="A free seat.")
    listing = a_listing("ant", best_for="Picnics", url="https://ant.example/")
    journal.apply(a_reviewer(), listing, review)
    feed = read_feed(journal, "/tools/ant/feed.xml")
    assert feed
    for text in ("Free under Apache 2.0.", "Picnics", "https://ant.example/", "Small", "Bites",
                 "A free seat."):  # fmt: skip
        assert text in feed.text


def test_a_digest_enters_the_feeds_with_the_time_of_its_freeze(journal: Journal) -> None:
    digest = digests.write(a_digest("2026-W47"))
    review_after_the_week = instants.parse("2026-11-23T00:05:00Z")
    frozen = instants.parse("2026-11-23T00:10:00Z")
    journal.apply(a_reviewer(), a_listing("ant"), a_review(tool="ant", time=review_after_the_week))
    before = read_feed(journal, "/feed.xml")
    journal.apply(an_event(DigestFrozen("2026-W47", digest), time=frozen))
    after = read_feed(journal, "/feed.xml")
    assert before
    assert after
    assert after.updated == "2026-11-23T00:10:00Z" > before.updated
    entry = after.entries["/digests/2026-W47/"]
    assert (entry.published, entry.updated) == ("2026-11-23T00:00:00Z", "2026-11-23T00:10:00Z")


def sitemap_times(journal: Journal) -> dict[str, str]:
    urls = ElementTree.fromstring(rendered(journal, "/sitemap.xml") or "").findall(f"{MAP}url")
    return {
        url.findtext(f"{MAP}loc", "").removeprefix(SITE): url.findtext(f"{MAP}lastmod", "")
        for url in urls
    }


def test_no_time_in_the_sitemap_goes_back(journal: Journal) -> None:
    before: dict[str, str] = {}
    for edit in EDITS:
        journal.apply(edit)
        times = sitemap_times(journal)
        for path, time in times.items():
            assert time >= before.get(path, ""), path
        before |= times
    retired = instants.rfc3339(at(18))
    assert {before["/"], before["/categories/insects/"], before["/tools/"]} == {retired}
    assert before["/reviewers/ann/"] == instants.rfc3339(at(17))


def test_a_page_says_when_it_was_modified_as_the_sitemap_does(journal: Journal) -> None:
    journal.apply(*EDITS[:11])
    for path in ("/tools/ant/", "/compare/ant-vs-bee/"):
        page = rendered(journal, path) or ""
        time = sitemap_times(journal)[path]
        assert re.findall(r'"dateModified":"([^"]+)"', page) == [time]
        assert f'<meta property="article:modified_time" content="{time}">' in page


def test_feeds_say_once_that_a_tool_became_another_name(journal: Journal) -> None:
    journal.apply(
        a_category("insects", "Insects"),
        a_category("pets", "Pets"),
        a_listing("ant", "Ant", "insects"),
        a_listing("bee", "Bee", "pets", time=at(1)),
        a_review(80, tool="ant", reviewer="ann", time=at(1)),
        a_reviewer("ann", "Ann"),
        a_merge("ant", "bee", "One <keeper>.", time=at(2)),
    )
    merged, where = "/tools/ant/#merged", ("/feed.xml", "/categories/pets/feed.xml")
    for path in (*where, "/tools/bee/feed.xml"):
        feed = read_feed(journal, path)
        assert feed
        assert set(feed.entries) == {merged, "/tools/bee/", "/tools/bee/#ann"}
        assert (feed.updated, feed.entries[merged].updated) == (rfc3339(at(2)), rfc3339(at(2)))
        entry = ElementTree.fromstring(feed.entries[merged].text)
        assert entry.findtext(f"{ATOM}title") == "Ant is now Bee"
        assert "One &lt;keeper&gt;." in entry.findtext(f"{ATOM}content", "")
        link = entry.find(f"{ATOM}link")
        assert link is not None
        assert link.get("href") == f"{SITE}/tools/bee/"
    assert f"{merged}<" not in (rendered(journal, "/categories/insects/feed.xml") or "")
    journal.apply(a_merge("bee", "cat", time=at(3)), a_listing("cat", "Cat", "pets", time=at(3)))
    feed = read_feed(journal, "/feed.xml")
    assert feed
    assert {merged, "/tools/bee/#merged"} < set(feed.entries)  # the same entry, so nobody rereads
    assert feed.entries[merged].updated == rfc3339(at(2))
    journal.apply(a_listing("ant", "Ant", "insects", time=at(4)))
    assert f"{merged}<" not in (rendered(journal, "/feed.xml") or "")
