"""The site over HTTP: stored pages, and the few that are made for one request.

A stored file answers without a database. Everything else, such as a comparison across categories, a
retired tool or a page whose file is about to be written, is decided on a fresh library.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import NamedTuple, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from infra.runtime.blocking_pool import BlockingPool
from infra.settings import Settings
from publishers.build.site_files import SiteFiles
from publishers.content.site_content import SiteContent
from publishers.pages import catalogue, html
from publishers.templating import assets
from publishers.views.comparisons.multi_comparison import MOST_BESIDE
from publishers.views.paths import multi_comparison_path, tool_path
from publishers.web.compression import SMALLEST, accepts_gzip, compressed
from publishers.web.security_headers import SecurityHeaders

LibraryFactory = Callable[[], AbstractContextManager[SiteContent]]
"""Opens a library on a fresh snapshot; it blocks, so it is called in a thread."""

BookmarksOf = Callable[[Request], Awaitable[Sequence[str]]]
"""The slugs that the visitor of this request saved, in the order in which to show them."""

READERS = 4
"""Questions to the database that are asked at once."""

REVALIDATE = "public, no-cache"
FOREVER = "public, max-age=31536000, immutable"
PRIVATE = "private, no-store"

_TYPES = {
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
}
_HTML = "text/html; charset=utf-8"


class SiteResponse(NamedTuple):
    """What a path answers, before it meets a request; `location` makes it a redirect."""

    status: HTTPStatus
    content: bytes = b""
    media_type: str = _HTML
    cache: str = REVALIDATE
    location: str = ""


Found = TypeVar("Found", bound=SiteResponse | None)


class Site:
    """Answers paths from the folder of the site and, where that has no file, from a library."""

    def __init__(self, settings: Settings, library_factory: LibraryFactory) -> None:
        self._files = SiteFiles(settings.data / "site")
        self._library = library_factory
        self._url = settings.public_url

    def answer(self, path: str) -> SiteResponse:
        """What this path answers; blocks on the disk and perhaps on the database."""
        return self.stored(path) or self.made(path)

    def stored(self, path: str) -> SiteResponse | None:
        """What this path answers where the database need not be asked; blocks on the disk."""
        return _with_slash(_without_index(path), self._kept)

    def made(self, path: str) -> SiteResponse:
        """What this path answers where nothing is stored; blocks on the database."""
        return _with_slash(_without_index(path), self._made_now)

    def comparison_of(self, chosen: Sequence[str]) -> SiteResponse:
        """Where the form that chooses tools leads; of more than four it takes the first."""
        slugs = list(dict.fromkeys(filter(None, chosen)))[:MOST_BESIDE]
        if len(list(filter(None, chosen))) < 2:
            return _see("/#choose")
        if not all(map(catalogue.is_slug, slugs)):
            return self._not_found()
        with self._library() as library:
            known = [library.tool(slug) for slug in slugs]
        if None in known:
            return self._not_found()
        return _see(tool_path(slugs[0]) if len(slugs) == 1 else multi_comparison_path(slugs))

    def search(self, query: str, beside: str) -> SiteResponse:
        """What a query finds; `beside` are slugs, as in the path of their comparison."""
        slugs = catalogue.compared(f"/compare/{beside}/")
        with self._library() as library:
            content = catalogue.search_page(library, self._url, query, slugs)
        return SiteResponse(HTTPStatus.OK, content)

    def bookmarks(self, saved: Sequence[str]) -> SiteResponse:
        """One visitor's bookmarks."""
        with self._library() as library:
            tools = [tool for slug in saved if (tool := library.tool(slug)) and not tool.retired]
        content = catalogue.bookmarks(self._url, tools)
        return SiteResponse(HTTPStatus.OK, content, cache=PRIVATE)

    def _kept(self, path: str) -> SiteResponse | None:
        if path in assets.assets():
            return _stored(path, assets.assets()[path])
        if path == catalogue.NOT_FOUND:
            return self._not_found()
        if path in _PER_REQUEST:
            return SiteResponse(HTTPStatus.OK)
        content = self._files.read(path)
        if content is not None:
            return _stored(path, content)
        return None if catalogue.is_page(path) else self._not_found()

    def _made_now(self, path: str) -> SiteResponse:
        compared = catalogue.compared(path)
        with self._library() as library:
            if gone := self._gone(library, catalogue.subjects(path)):
                return gone
            if compared:
                return self._side_by_side(library, path, compared)
            content = catalogue.render(library, path, self._url)
        return _stored(path, content) if content is not None else self._not_found()

    def _side_by_side(self, library: SiteContent, path: str, slugs: list[str]) -> SiteResponse:
        if len(set(slugs)) < len(slugs) or None in map(library.tool, slugs):
            return self._not_found()
        if path != multi_comparison_path(slugs):
            return _moved(multi_comparison_path(slugs))
        if len(slugs) == 2:
            content = html.two_tools(library, self._url, *slugs)
        else:
            content = html.several_tools(library, self._url, slugs)
        return SiteResponse(HTTPStatus.OK, content or b"")

    def _gone(self, library: SiteContent, slugs: Sequence[str]) -> SiteResponse | None:
        tools = [library.tool(slug) for slug in dict.fromkeys(slugs)]
        retired = [tool for tool in tools if tool is not None and tool.retired is not None]
        # A page that also names an unknown tool never was.
        if not retired or None in tools:
            return None
        return SiteResponse(HTTPStatus.GONE, catalogue.retired(self._url, retired))

    def _not_found(self) -> SiteResponse:
        return SiteResponse(HTTPStatus.NOT_FOUND, catalogue.not_found(self._url))


def site_routes(
    settings: Settings, library_factory: LibraryFactory, bookmarks_of: BookmarksOf
) -> list[BaseRoute]:
    """Routes of the site; the last takes every path, so they come after all others."""
    site = Site(settings, library_factory)
    # Of their own, so that stored pages are read while the database hangs.
    asking = BlockingPool(READERS, "site")

    async def page(request: Request) -> Response:
        path = "/" + request.path_params["path"]
        answer = await asyncio.to_thread(site.stored, path)
        if answer is None:
            answer = await asking.run(site.made, path)
        return respond(request, answer)

    async def choose(request: Request) -> Response:
        chosen = [request.query_params.get(name, "") for name in ("a", "b", "c", "d")]
        return respond(request, await asking.run(site.comparison_of, chosen))

    async def search(request: Request) -> Response:
        query, beside = (request.query_params.get(name, "") for name in ("q", "with"))
        return respond(request, await asking.run(site.search, query, beside))

    async def bookmarks(request: Request) -> Response:
        saved = await bookmarks_of(request)
        return respond(request, await asking.run(site.bookmarks, saved))

    return [
        Route("/compare/", choose),
        Route("/search/", search),
        Route("/bookmarks/", bookmarks),
        Route("/{path:path}", page),
    ]


def site_app(
    settings: Settings, library_factory: LibraryFactory, bookmarks_of: BookmarksOf
) -> ASGIApp:
    """The site alone, with its headers; the whole system puts the API's routes before its own."""
    routes = site_routes(settings, library_factory, bookmarks_of)
    trouble = catalogue.unavailable(settings.public_url)

    async def away(_: Request, __: Exception) -> Response:
        return Response(trouble, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}, _HTML)

    async def crash(_: Request, __: Exception) -> Response:
        return Response(trouble, HTTPStatus.INTERNAL_SERVER_ERROR, media_type=_HTML)

    handlers = {SQLAlchemyError: away, Exception: crash}
    return SecurityHeaders(Starlette(routes=routes, exception_handlers=handlers))


def respond(request: Request, answer: SiteResponse) -> Response:
    """The answer to this request: a redirect keeps the query, a known page is 304."""
    if answer.location:
        query = f"?{request.url.query}" if answer.status == HTTPStatus.PERMANENT_REDIRECT else ""
        location = answer.location + (query if query != "?" else "")
        return Response(status_code=answer.status, headers={"Location": location})
    content, headers = _encoded(request, answer)
    if answer.status == HTTPStatus.OK and _knows(request, headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Length"] = str(len(content))
    body = b"" if request.method == "HEAD" else content
    return Response(body, answer.status, headers, answer.media_type)


def _encoded(request: Request, answer: SiteResponse) -> tuple[bytes, dict[str, str]]:
    """The content as this request may have it, with the headers that say so."""
    tag = hashlib.sha256(answer.content).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": answer.cache, "Vary": "Accept-Encoding"}
    if len(answer.content) < SMALLEST or not accepts_gzip(
        request.headers.get("accept-encoding", "")
    ):
        return answer.content, headers
    # A strong tag names bytes, and these are other bytes.
    headers |= {"ETag": f'"{tag}-gzip"', "Content-Encoding": "gzip"}
    return compressed(answer.content), headers


def _knows(request: Request, etag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return known == "*" or etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]


def _stored(path: str, content: bytes) -> SiteResponse:
    suffix = "." + path.rpartition(".")[2]
    if path.startswith("/static/"):
        return SiteResponse(HTTPStatus.OK, content, assets.TYPES.get(suffix, _HTML), FOREVER)
    if path.endswith(catalogue.FEED):
        return SiteResponse(HTTPStatus.OK, content, "application/atom+xml; charset=utf-8")
    return SiteResponse(HTTPStatus.OK, content, _TYPES.get(suffix, _HTML))


def _with_slash(path: str, look: Callable[[str], Found]) -> Found | SiteResponse:
    """What a path answers; one that lacks its last slash leads to where it has it."""
    if path.endswith("/") or "." in path.rpartition("/")[2]:
        return look(path)
    found = look(path + "/")
    if found is None or found.status == HTTPStatus.NOT_FOUND:
        return found
    return _moved(found.location or path + "/")


def _without_index(path: str) -> str:
    """A path without the names of files that nobody has to name, however often they stand there."""
    while path.endswith(_INDEX):
        path = path.removesuffix(_INDEX)
    return path


def _moved(location: str) -> SiteResponse:
    return SiteResponse(HTTPStatus.PERMANENT_REDIRECT, location=location)


def _see(location: str) -> SiteResponse:
    return SiteResponse(HTTPStatus.SEE_OTHER, location=location)


_INDEX = "/index.html"
_PER_REQUEST = ("/compare/", "/bookmarks/", "/search/")
