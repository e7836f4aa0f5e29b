"""Every route of the API, and the site behind them."""

import time
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.telemetry import tracing
from infra.telemetry.metrics import REQUESTS
from streams.api import openapi
from streams.api.http.problems import Problem, on_crash, on_http_error, on_problem, unavailable
from streams.api.live.sse import Changes, last_event, wanted_tools
from streams.api.voting import endpoints
from streams.api.wiring import Components

# Anybody may invent others, and each would be counted apart from then on.
METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
)
OTHER = "OTHER"
DATABASE_AWAY = unavailable("The database does not answer now.")
BookmarksOf = Callable[[Request], Awaitable[Sequence[str]]]
Site = Callable[[BookmarksOf], ASGIApp]
"""Makes the site, given who finds a visitor's bookmarks."""


def application(parts: Components, site: Site | None = None) -> Starlette:
    """The ASGI application: the API, and for every other path the site."""
    app = Starlette(
        routes=routes(parts),
        exception_handlers={
            Problem: on_problem,
            HTTPException: on_http_error,
            SQLAlchemyError: _on_database_away,
            Exception: on_crash,
        },
    )
    app.router.redirect_slashes = False
    if site is not None:
        pages = _SiteFallback(site(parts.desk.bookmarks_of), app.router.not_found)
        app.router.default = _Timed("(page)", pages)
    return app


def routes(parts: Components) -> list[Route]:
    """The API's routes; those of votes stand first, since they are asked the most."""
    desk, export, health, forms = parts.desk, parts.export, parts.health, parts.forms

    async def changes(request: Request) -> Response:
        return Changes(parts.hub, wanted_tools(request), last_event(request))

    votes = endpoints.votes(parts.booth, parts.origins)
    bookmarks = endpoints.bookmarks(parts.booth, parts.origins)
    return [
        _timed("/v1/tools/{tool}/vote", votes, "PUT", "DELETE"),
        _timed("/v1/bookmarks/{tool}", bookmarks, "PUT", "DELETE"),
        _timed("/v1/events", parts.intake.post, "POST"),
        Route("/v1/changes", changes),
        _timed("/v1/tools", desk.tools),
        _timed("/v1/tools/{tool}", desk.tool),
        _timed("/v1/compare/{pair}", desk.compare),
        _timed("/v1/categories", desk.categories),
        _timed("/v1/categories/{category}", desk.category),
        _timed("/v1/reviewers", desk.reviewers),
        _timed("/v1/reviewers/{reviewer}", desk.reviewer),
        _timed("/v1/digests", desk.digests),
        _timed("/v1/digests/{week}", desk.digest),
        _timed("/v1/me", desk.me),
        _timed("/v1/me/bookmarks.json", export.bookmarks_json),
        _timed("/v1/me/bookmarks.csv", export.bookmarks_csv),
        _timed("/v1/me/bookmarks.html", export.bookmarks_html),
        _timed("/v1/me/votes.json", export.votes_json),
        _timed("/v1/bookmarks", desk.bookmarks),
        _timed("/vote", forms.vote, "POST"),
        _timed("/bookmark", forms.bookmark, "POST"),
        Route("/healthz", health.alive),
        Route("/readyz", health.ready),
        Route("/status", health.status),
        Route("/metrics", health.metrics),
        Route("/openapi.json", openapi.description),
        Route("/docs", openapi.docs),
    ]


Endpoint = Callable[[Request], Awaitable[Response]]


def _timed(path: str, endpoint: Endpoint | endpoints.VoteEndpoint, *methods: str) -> Route:
    """A route whose answers are timed. A `VoteEndpoint` stays plain ASGI on the way."""
    app: ASGIApp = endpoint if isinstance(endpoint, endpoints.VoteEndpoint) else _plain(endpoint)
    return Route(path, _Timed(path, app), methods=methods or ("GET",))


def _plain(endpoint: Endpoint) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


class _Timed:
    """Measures from head to the start of the answer; errors count by the status they become."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        self._path = path
        self._app = app
        self._measured: dict[tuple[str, int], Callable[[float], None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with tracing.request(scope, self._path) as answered:
            try:
                await self._app(scope, receive, noted)
            except Problem as problem:
                status = problem.status
                raise
            except SQLAlchemyError:
                status = DATABASE_AWAY.status
                raise
            finally:
                answered(status)
                self._observe(scope["method"], status, time.perf_counter() - began)

    def _observe(self, method: str, status: int, seconds: float) -> None:
        method = method if method in METHODS else OTHER
        observe = self._measured.get((method, status))
        if observe is None:
            observe = REQUESTS.labels(method, self._path, str(status)).observe
            self._measured[method, status] = observe
        observe(seconds)


class _SiteFallback:
    """What no route of the API takes is the site's, except under `/v1/`."""

    def __init__(self, site: ASGIApp, not_found: ASGIApp) -> None:
        self._site = site
        self._not_found = not_found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        ours = scope["type"] != "http" or path == "/v1" or path.startswith("/v1/")
        await (self._not_found if ours else self._site)(scope, receive, send)


async def _on_database_away(_: Request, __: Exception) -> Response:
    return DATABASE_AWAY.response()
