"""Responses for the site's paths: stored files, and pages rendered per request.

A stored file needs no database. Everything else, such as a comparison across categories, a retired
tool or a page whose file is not written yet, is rendered from a fresh snapshot.
"""

import time
from collections.abc import Callable, Hashable, Sequence
from http import HTTPStatus
from typing import TypeVar

from infra.settings import Settings
from publishers.build.site_files import SiteFiles
from publishers.content.site_content import ContentFactory, SiteContent
from publishers.pages import catalogue
from publishers.pages.html import pages_on_request, tools
from publishers.templating import assets
from publishers.views.comparisons.multi_comparison import MAX_TOOLS
from publishers.views.lists.paging import Query
from publishers.views.paths import multi_comparison_path, tool_path
from publishers.views.search.search import SUGGESTIONS
from publishers.web import moved_paths
from publishers.web.responses import (
    PRIVATE,
    SiteResponse,
    moved,
    of_file,
    of_stored_file,
    see_other,
)
from publishers.web.search_pages import SearchPages

_INDEX = "/index.html"
_PER_REQUEST = ("/compare/", "/bookmarks/", "/search/")

MaybeResponse = TypeVar("MaybeResponse", bound=SiteResponse | None)


class Site:
    """Serves paths from the site's folder and, where it has no file, from the database."""

    def __init__(
        self,
        settings: Settings,
        open_content: ContentFactory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = SiteFiles(settings.data / "site")
        self._open_content = open_content
        self._url = settings.public_url
        self._search_pages = SearchPages(open_content, self._url, clock)

    def serve(self, path: str) -> SiteResponse:
        """The response for a path; blocks on the disk and perhaps on the database."""
        return self.serve_stored(path) or self.render(path)

    def serve_stored(self, path: str) -> SiteResponse | None:
        """The response that needs no database, or None; blocks on the disk."""
        return _with_slash(without_index(path), self._stored)

    def render(self, path: str) -> SiteResponse:
        """The response for a path without a stored file; blocks on the database."""
        return _with_slash(without_index(path), self._rendered)

    def render_list(self, path: str, query: Query) -> SiteResponse:
        """A list as a query asks; blocks on the database."""
        with self._open_content() as content:
            body = catalogue.render_list(content, path, self._url, query)
        return of_file(path, body) if body is not None else self._not_found()

    def redirect_to_comparison(self, chosen: Sequence[str]) -> SiteResponse:
        """The target of the form that chooses tools; tools after the fourth are ignored."""
        filled = list(filter(None, chosen))
        slugs = list(dict.fromkeys(filled))[:MAX_TOOLS]
        if len(filled) < 2:
            return see_other("/#choose")
        if not all(map(catalogue.is_slug, slugs)):
            return self._not_found()
        with self._open_content() as content:
            if None in map(content.tool, slugs):
                return self._not_found()
        return see_other(tool_path(slugs[0]) if len(slugs) == 1 else multi_comparison_path(slugs))

    def search(self, query: str, selected: str) -> SiteResponse:
        """Search results; `selected` are slugs as in the path of their comparison."""
        return SiteResponse(HTTPStatus.OK, self._search_pages.render(query, selected))

    def suggest(self, query: str, selected: str) -> SiteResponse:
        """The data of the tools that a query finds."""
        return of_file(SUGGESTIONS, self._search_pages.suggest(query, selected))

    def bookmarks(self, saved: Sequence[str]) -> SiteResponse:
        """One visitor's bookmarks."""
        with self._open_content() as content:
            on_site = [tool for slug in saved if (tool := content.tool_on_site(slug))]
            body = pages_on_request.render_bookmarks(content, self._url, on_site)
        return SiteResponse(HTTPStatus.OK, body, cache=PRIVATE)

    def file_version(self, path: str) -> Hashable:
        """The version of a page's file."""
        return self._files.version(path)

    def _stored(self, path: str) -> SiteResponse | None:
        if path in assets.assets():
            return of_file(path, assets.assets()[path])
        if path == catalogue.NOT_FOUND:
            return self._not_found()
        if path in _PER_REQUEST:
            return SiteResponse(HTTPStatus.OK)
        file = self._files.load(path)
        if file is not None:
            return of_stored_file(path, file, time.time())
        return None if catalogue.is_page(path) else self._not_found()

    def _rendered(self, path: str) -> SiteResponse:
        compared = catalogue.compared_slugs(path)
        with self._open_content() as content:
            if other := moved_paths.find(content, path):
                return moved(other)
            if gone := self._gone(content, catalogue.subject_slugs(path)):
                return gone
            if compared:
                return self._comparison(content, path, compared)
            body = catalogue.render(content, path, self._url)
        return of_file(path, body) if body is not None else self._not_found()

    def _comparison(self, content: SiteContent, path: str, slugs: list[str]) -> SiteResponse:
        if len(set(slugs)) < len(slugs) or None in map(content.tool, slugs):
            return self._not_found()
        if path != multi_comparison_path(slugs):
            return moved(multi_comparison_path(slugs))
        if len(slugs) == 2:
            body = tools.render_pair(content, self._url, *slugs)
        else:
            body = tools.render_multi_comparison(content, self._url, slugs)
        return SiteResponse(HTTPStatus.OK, body or b"")

    def _gone(self, content: SiteContent, slugs: Sequence[str]) -> SiteResponse | None:
        subjects = [content.tool(slug) for slug in dict.fromkeys(slugs)]
        retired = [tool for tool in subjects if tool is not None and tool.retired is not None]
        # A page that also names an unknown tool never existed.
        if not retired or None in subjects:
            return None
        return SiteResponse(
            HTTPStatus.GONE, pages_on_request.render_retired(content, self._url, retired)
        )

    def _not_found(self) -> SiteResponse:
        # The stored page knows of the demo; this one needs no database.
        body = self._files.read(catalogue.NOT_FOUND) or pages_on_request.render_not_found(self._url)
        return SiteResponse(HTTPStatus.NOT_FOUND, body)


def _with_slash(path: str, respond: Callable[[str], MaybeResponse]) -> MaybeResponse | SiteResponse:
    """The response for a path; a page without its trailing slash redirects to the one with it."""
    if path.endswith("/") or "." in path.rpartition("/")[2]:
        return respond(path)
    response = respond(path + "/")
    if response is None or response.status == HTTPStatus.NOT_FOUND:
        return response
    return moved(response.location or path + "/")


def without_index(path: str) -> str:
    """A path without any number of `index.html` at its end."""
    while path.endswith(_INDEX):
        path = path.removesuffix(_INDEX)
    return path
