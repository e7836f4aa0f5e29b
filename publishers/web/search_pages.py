"""Pages of search results, from an index of all tools that is made again now and then."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from publishers.content.site_content import ContentFactory, SiteContent
from publishers.pages import catalogue
from publishers.pages.html import pages_on_request
from publishers.render_cache import CacheTable, page_cache
from publishers.views.comparisons.multi_comparison import MAX_TOOLS
from publishers.views.search.search import Hits, find, suggestion_data
from publishers.views.search.search_index import SearchIndex

FRESH_SECONDS = 1.0
"""How long the index is used again at least, and pages at most."""
INDEX_SHARE = 0.1
"""The most of the time that making the index again may take, while the catalogue changes."""


class _Page(NamedTuple):
    """A page, and when it was rendered, by the clock."""

    at: float
    body: bytes


class SearchPages:
    """Renders search results; a search reads the tools that it shows and no others.

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
        self._index = SearchIndex([])
        self._index_until = float("-inf")
        self._pages: CacheTable[tuple[str, str], _Page] = page_cache.by_key()
        self._lock = threading.Lock()

    def render(self, query: str, selected: str) -> bytes:
        """The page for a query; `selected` are slugs as in the path of their comparison."""
        with self._lock:
            page = self._pages.get((query, selected))
            if page is None or self._clock() - page.at >= FRESH_SECONDS:
                page = _Page(self._clock(), self._render(query, selected))
                self._pages.put((query, selected), page)
            return page.body

    def suggest(self, query: str, selected: str) -> bytes:
        """The data of the tools that a query finds, for the suggestions of the script."""
        with self._lock, self._open_content() as content:
            hits = self._find(content, query, selected)
            content.read_ahead(hits.named)
            return suggestion_data(filter(None, map(content.tool_on_site, hits.named)))

    def _render(self, query: str, selected: str) -> bytes:
        with self._open_content() as content:
            hits = self._find(content, query, selected)
            return pages_on_request.render_search(content, self._url, hits)

    def _find(self, content: SiteContent, query: str, path: str) -> Hits:
        selected = catalogue.compared_slugs(f"/compare/{path}/")
        began = self._clock()
        if began >= self._index_until:
            self._index = content.search_index()
            seconds = self._clock() - began
            self._index_until = self._clock() + max(FRESH_SECONDS, seconds / INDEX_SHARE)
        content.read_ahead(selected)
        on_site = [slug for slug in selected if content.tool_on_site(slug)]
        return find(self._index, query, on_site[: MAX_TOOLS - 1])
