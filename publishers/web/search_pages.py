"""Pages of search results, from tools that are read at most once a second."""

import threading
from collections.abc import Callable

from publishers.content.in_memory_content import InMemoryContent
from publishers.content.site_content import ContentFactory
from publishers.pages import catalogue
from publishers.pages.html import per_request
from publishers.render_cache import page_cache

FRESH_SECONDS = 1.0
"""How long tools and pages are used again; a search reads every tool of the site."""


class SearchPages:
    """Renders search results; searches share tools, and equal searches share a page.

    Args:
        open_content: Opens content on a fresh snapshot; blocks on the database.
        public_url: Address of the site.
        clock: Monotonic seconds.
    """

    def __init__(
        self, open_content: ContentFactory, public_url: str, clock: Callable[[], float]
    ) -> None:
        self._open_content = open_content
        self._url = public_url
        self._clock = clock
        self._content = InMemoryContent()
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def render(self, query: str, selected: str) -> bytes:
        """The page for a query; `selected` are slugs as in the path of their comparison."""
        with self._lock:
            self._read_again_when_old()
            return _render(self._content, self._url, query, selected)

    def _read_again_when_old(self) -> None:
        now = self._clock()
        if now - self._read_at < FRESH_SECONDS:
            return
        with self._open_content() as content:
            self._content = InMemoryContent(content.tools(), demo_tools=content.demo_tools())
        self._read_at = now


@page_cache.by_record
def _render(content: InMemoryContent, public_url: str, query: str, selected: str) -> bytes:
    """The page; it goes with the content that it was made from."""
    slugs = catalogue.compared_slugs(f"/compare/{selected}/")
    return per_request.render_search(content, public_url, query, slugs)
