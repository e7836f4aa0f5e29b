"""How often a search looks at the site's tools."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from publishers.content.in_memory_content import InMemoryContent
from publishers.render_cache import page_cache
from publishers.views.search.search import MAX_STORED, SUGGESTIONS, stored_suggestions
from publishers.web.search_pages import FRESH_SECONDS, SearchPages
from tests.harness.records import a_tool, sample_content


class Searched:
    """Search pages on sample tools, how often these were read, and a clock that a test sets."""

    def __init__(self) -> None:
        self.content = sample_content()
        self.reads = 0
        self.now = 0.0
        self.fault: Exception | None = None
        self.pages = SearchPages(self._open, "http://site.example", lambda: self.now)

    @contextmanager
    def _open(self) -> Iterator[InMemoryContent]:
        self.reads += 1
        if self.fault:
            raise self.fault
        yield self.content

    def finds(self, query: str, text: str) -> bool:
        return text in self.pages.render(query, "").decode()


def test_equal_searches_within_a_second_are_answered_once() -> None:
    searched = Searched()
    assert searched.finds("smol", "SmolVLM")
    assert searched.finds("smol", "SmolVLM")
    assert searched.reads == 1
    searched.now = FRESH_SECONDS
    assert searched.finds("smol", "SmolVLM")
    assert searched.reads == 2


def test_a_new_tool_is_found_after_a_second() -> None:
    searched = Searched()
    everything, searched.content = searched.content, InMemoryContent()
    assert not searched.finds("smol", "SmolVLM")
    searched.content = everything
    assert not searched.finds("smol", "SmolVLM")
    searched.now = FRESH_SECONDS
    assert searched.finds("smol", "SmolVLM")


def test_equal_searches_share_a_page() -> None:
    searched = Searched()
    first = searched.pages.render("smol", "")
    assert searched.pages.render("smol", "") is first
    assert searched.pages.render("smol", "claude-4-api-vs-smolvlm-2-5") != first


def test_the_number_of_pages_is_bounded() -> None:
    searched = Searched()
    first = searched.pages.render("smol", "")
    for number in range(page_cache.max_entries - 1):
        searched.pages.render(f"query {number}", "")
    assert searched.pages.render("smol", "") is first
    for number in range(page_cache.max_entries):
        searched.pages.render(f"another query {number}", "")
    assert searched.pages.render("smol", "") is not first


def test_a_failed_read_is_tried_again_by_the_next_search() -> None:
    searched = Searched()
    searched.fault = OSError("away")
    for _ in range(2):
        try:
            searched.pages.render("smol", "")
        except OSError:
            continue
        raise AssertionError("the failure is hidden")
    searched.fault = None
    assert searched.finds("smol", "SmolVLM")


def test_equal_searches_at_once_share_one_read() -> None:
    searched, start = Searched(), threading.Barrier(8)

    def search(number: int) -> bytes:
        start.wait()
        return searched.pages.render(f"smol {number % 2}", "")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(search, range(8)))
    assert searched.reads == 2


def test_suggestions_are_of_the_tools_that_a_query_finds() -> None:
    searched = Searched()
    suggested = json.loads(searched.pages.suggest("smol vs claude", ""))
    assert {row[0] for row in suggested["tools"]} == {"claude-4-api", "smolvlm-2-5"}
    assert json.loads(searched.pages.suggest("zebra", ""))["tools"] == []


def test_the_stored_data_of_a_large_site_says_where_to_ask() -> None:
    many = [a_tool(f"t{number}", f"T {number}") for number in range(MAX_STORED + 1)]
    assert json.loads(stored_suggestions(many)) == {"ask": SUGGESTIONS}
    assert len(json.loads(stored_suggestions(many[1:]))["tools"]) == MAX_STORED
