"""The site as an ASGI application."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from infra.http.cross_origin import CrossOriginReads
from infra.http.exact_route import ExactRoute
from infra.runtime.blocking_pool import BlockingPool
from infra.settings import Settings
from projections.write.dirty_records import Mark
from publishers.content.site_content import ContentFactory
from publishers.pages import catalogue
from publishers.pages.html import pages_on_request
from publishers.views.lists.paging import Query
from publishers.views.search.search import SUGGESTIONS
from publishers.web.responses import HTML, SiteResponse, to_http
from publishers.web.security_headers import SecurityHeaders
from publishers.web.site import Site, without_index
from publishers.web.stale_pages import StalePages


class SiteSource(NamedTuple):
    """Where the site reads the projections; all block on the database.

    Attributes:
        open_content: Opens content on a fresh snapshot.
        read_marks: Looks up the newest marks, at most so many.
        read_version: Reads the version of a comparison of these tools, or without any of all pages.
    """

    open_content: ContentFactory
    read_marks: Callable[[int], Sequence[Mark]]
    read_version: Callable[[Sequence[str]], Hashable]


BookmarksOf = Callable[[Request], Awaitable[Sequence[str]]]
"""The slugs that the visitor of a request saved, in the order to show them."""

READERS = 4
"""Concurrent questions to the database."""

SEARCHERS = 1
"""Searches at once."""

FILE_READERS = 4
"""Stored pages read at once."""

RENDERERS = 2
"""Pages rendered at once because their files are behind."""

RENDER_SECONDS = 0.5
"""How long a visitor waits for such a page before getting the stored one."""

MARK_SECONDS = 0.25
"""How long a visitor waits to learn whether a file is behind."""

MAX_QUERY_FIELDS, MAX_QUERY_LENGTH = 60, 300
"""Fields of a list's form, and characters of each, that are looked at."""

CONNECTIONS = READERS + SEARCHERS + RENDERERS + 1
"""Connections to the database that the site uses at most; one reads the marks."""


def site_routes(
    settings: Settings, source: SiteSource, bookmarks_of: BookmarksOf
) -> list[BaseRoute]:
    """Routes of the site; the last one takes every path, so it comes after all others."""
    site = Site(settings, source.open_content)
    # Pools of their own: stored pages are served even while the database hangs.
    files = BlockingPool(FILE_READERS, "stored pages", timeout=None)
    database = BlockingPool(READERS, "site")
    # Searches compute: more than one at a time would take turns with votes and pages.
    searches = BlockingPool(SEARCHERS, "search")
    marks = BlockingPool(1, "marks", MARK_SECONDS)
    renderers = BlockingPool(RENDERERS, "renderer", RENDER_SECONDS)
    stale_pages = StalePages(
        partial(marks.run, source.read_marks),
        partial(files.run, site.file_version),
        partial(renderers.run, site.render),
        RENDERERS,
    )

    async def page(request: Request) -> Response:
        path: str = request.scope["path"]
        query = _list_query(request) if catalogue.is_list(path) else {}
        if query:
            return to_http(request, await queried_list(path, query))
        response = await stale_pages.respond(without_index(path))
        if response is None:
            response = await files.run(site.serve_stored, path)
        return to_http(request, response or await without_file(path))

    async def queried_list(path: str, query: Query) -> SiteResponse:
        async def render(_: str) -> SiteResponse:
            return await database.run(site.render_list, path, query)

        version = await database.run(source.read_version, ())
        address = f"{path}?{urlencode(sorted(query.items()))}"
        return await stale_pages.respond_without_file(address, version, render)

    async def without_file(path: str) -> SiteResponse:
        slugs = catalogue.subject_slugs(path)
        if len(slugs) < 2:  # the file will be there in a moment
            return await database.run(site.render, path)
        version = await database.run(source.read_version, slugs)
        render = partial(database.run, site.render)
        return await stale_pages.respond_without_file(path, version, render)

    async def choose(request: Request) -> Response:
        chosen = [request.query_params.get(name, "") for name in ("a", "b", "c", "d")]
        return to_http(request, await database.run(site.redirect_to_comparison, chosen))

    async def search(request: Request) -> Response:
        query, selected = (request.query_params.get(name, "") for name in ("q", "with"))
        return to_http(request, await searches.run(site.search, query, selected))

    async def suggestions(request: Request) -> Response:
        query, selected = (request.query_params.get(name, "") for name in ("q", "with"))
        return to_http(request, await searches.run(site.suggest, query, selected))

    async def bookmarks(request: Request) -> Response:
        saved = await bookmarks_of(request)
        return to_http(request, await database.run(site.bookmarks, saved))

    return [
        ExactRoute("/compare/", choose),
        ExactRoute("/search/", search),
        ExactRoute(SUGGESTIONS, suggestions),
        ExactRoute("/bookmarks/", bookmarks),
        ExactRoute("/{path:path}", page),
    ]


def _list_query(request: Request) -> Query:
    """What a request asks of a list; of a name that occurs more than once the last value."""
    values = request.query_params.multi_items()[:MAX_QUERY_FIELDS]
    return {name: value[:MAX_QUERY_LENGTH] for name, value in values if value}


def site_app(settings: Settings, source: SiteSource, bookmarks_of: BookmarksOf) -> ASGIApp:
    """The site alone, with its headers; the whole system puts the API's routes before its own."""
    routes = site_routes(settings, source, bookmarks_of)
    body = pages_on_request.render_unavailable(settings.public_url)
    not_found = pages_on_request.render_not_found(settings.public_url)
    not_allowed = pages_on_request.render_not_allowed(settings.public_url)

    async def unavailable(_: Request, __: Exception) -> Response:
        return Response(body, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}, HTML)

    async def crashed(_: Request, __: Exception) -> Response:
        return Response(body, HTTPStatus.INTERNAL_SERVER_ERROR, media_type=HTML)

    async def no_route(_: Request, __: Exception) -> Response:
        return Response(not_found, HTTPStatus.NOT_FOUND, media_type=HTML)

    async def no_method(_: Request, __: Exception) -> Response:
        allowed = {"Allow": "GET, HEAD"}
        return Response(not_allowed, HTTPStatus.METHOD_NOT_ALLOWED, allowed, HTML)

    handlers = {404: no_route, 405: no_method, SQLAlchemyError: unavailable, Exception: crashed}
    app = Starlette(routes=routes, exception_handlers=handlers)
    # Those redirects would name the request's host.
    app.router.redirect_slashes = False
    return CrossOriginReads(SecurityHeaders(app), catalogue.is_for_programs)
