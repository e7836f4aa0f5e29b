"""Pages of search results, from tools that are read at most once a second."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from publishers.content.in_memory_content import InMemoryContent
from publishers.content.site_content import ContentFactory
from publishers.pages import catalogue
from publishers.pages.html import per_request

FRESH_SECONDS = 1.0
"""How long tools and pages are used again; a search reads every tool of the site."""
MAX_PAGES = 256


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
        self._pages: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def render(self, query: str, selected: str) -> bytes:
        """The page for a query; `selected` are slugs as in the path of their comparison."""
        with self._lock:
            self._read_again_when_old()
            key = query, selected
            body = self._pages.get(key)
            if body is None:
                slugs = catalogue.compared_slugs(f"/compare/{selected}/")
                body = per_request.render_search(self._content, self._url, query, slugs)
                self._store(key, body)
            return body

    def _read_again_when_old(self) -> None:
        now = self._clock()
        if now - self._read_at < FRESH_SECONDS:
            return
        with self._open_content() as content:
            self._content = InMemoryContent(content.tools())
        self._read_at = now
        self._pages.clear()

    def _store(self, key: tuple[str, str], body: bytes) -> None:
        if len(self._pages) >= MAX_PAGES:
            self._pages.popitem(last=False)
        self._pages[key] = body
