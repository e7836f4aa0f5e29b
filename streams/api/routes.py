"""Every route of the API, and the site behind them."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.http.cross_origin import CrossOriginReads
from infra.http.exact_route import ExactRoute
from streams.api.http.modification_times import ModificationTimes
from streams.api.http.problems import Problem, on_crash, on_http_error, on_problem
from streams.api.http.request_metrics import DATABASE_AWAY, MeasuredApp
from streams.api.middleware.request_gate import RequestGate
from streams.api.middleware.request_log import RequestLog
from streams.api.middleware.response_headers import ResponseHeaders
from streams.api.openapi.docs_page import get_docs
from streams.api.subscriptions.wiring import SubscriptionEndpoints
from streams.api.voting.endpoints import VoteEndpoint
from streams.api.voting.fast_path import BOOKMARK_PATH, VOTE_PATH, FastPath
from streams.api.wiring import Components

Endpoint = Callable[[Request], Awaitable[Response]]
ReadBookmarks = Callable[[Request], Awaitable[Sequence[str]]]
"""Reads the slugs of a visitor's bookmarks."""
Site = Callable[[ReadBookmarks], ASGIApp]
"""Creates the site."""


def application(components: Components, site: Site | None = None) -> ASGIApp:
    """The ASGI application: the API, and the site on every other path."""
    app = Starlette(
        routes=routes(components),
        exception_handlers={
            Problem: on_problem,
            HTTPException: on_http_error,
            SQLAlchemyError: _on_database_away,
            Exception: on_crash,
        },
    )
    app.state.modification_times = ModificationTimes()
    app.router.redirect_slashes = False
    if site is not None:
        pages = _SiteFallback(site(components.reads.read_bookmarks), app.router.not_found)
        app.router.default = MeasuredApp("(page)", pages)
    shared = CrossOriginReads(app, _matching(public_reads(components)))
    answered = ResponseHeaders(RequestGate(shared, components.hosts), components.public_url)
    logged = RequestLog(answered, components.proxies, every_request=components.access_log)
    endpoints = {VOTE_PATH: components.votes, BOOKMARK_PATH: components.bookmarks}
    return FastPath(logged, endpoints, components.hosts, answered, logged)


def routes(components: Components) -> list[Route]:
    """The API's routes; what `FastPath` answers is here for all that it leaves to others."""
    return [
        _measured(VOTE_PATH, components.votes, "PUT", "DELETE"),
        _measured(BOOKMARK_PATH, components.bookmarks, "PUT", "DELETE"),
        _measured("/v1/events", components.ingest.post, "POST"),
        *public_reads(components),
        *subscription_routes(components.subscriptions),
        *other_routes(components),
        *account_routes(components),
    ]


def public_reads(components: Components) -> list[Route]:
    """What is the same for everybody, so that pages of any origin may read it."""
    reads, registry = components.reads, components.registry
    return [
        ExactRoute("/v1/changes", components.changes.get),
        _measured("/v1/tools", reads.tools),
        _measured("/v1/tools/{tool}", reads.tool),
        _measured("/v1/compare/{pair}", reads.compare),
        _measured("/v1/categories", reads.categories),
        _measured("/v1/categories/{category}", reads.category),
        _measured("/v1/reviewers", reads.reviewers),
        _measured("/v1/reviewers/{reviewer}", reads.reviewer),
        _measured("/v1/digests", reads.digests),
        _measured("/v1/digests/{week}", reads.digest),
        _measured("/schemas/ids/{id}", registry.schema),
        _measured("/subjects", registry.subjects),
        _measured("/subjects/{subject}/versions", registry.versions),
        _measured("/subjects/{subject}/versions/{version}", registry.version),
        ExactRoute("/openapi.json", components.openapi.get),
    ]


def subscription_routes(endpoints: SubscriptionEndpoints) -> list[Route]:
    """Sign-up and the pages of subscriptions; GET and HEAD change nothing."""
    return [
        _measured("/v1/subscriptions", endpoints.post, "POST"),
        _measured("/subscribe", endpoints.form, "POST"),
        _measured("/subscriptions/sent/", endpoints.sent),
        _measured("/subscriptions/confirm/", endpoints.confirmation, "GET", "POST"),
        _measured("/subscriptions/", endpoints.preferences, "GET", "POST"),
        _measured("/subscriptions/unsubscribe/", endpoints.unsubscribe, "GET", "POST"),
    ]


def other_routes(components: Components) -> list[Route]:
    """What is a visitor's own, or for operators."""
    reads, export, health = components.reads, components.export, components.health
    return [
        _measured("/v1/me", reads.me),
        _measured("/v1/me/bookmarks.json", export.bookmarks_json),
        _measured("/v1/me/bookmarks.csv", export.bookmarks_csv),
        _measured("/v1/me/bookmarks.html", export.bookmarks_html),
        _measured("/v1/me/votes.json", export.votes_json),
        _measured("/v1/bookmarks", reads.bookmarks),
        _measured("/vote", components.forms.vote, "POST"),
        _measured("/bookmark", components.forms.bookmark, "POST"),
        ExactRoute("/healthz", health.alive),
        ExactRoute("/readyz", health.ready),
        ExactRoute("/status", health.status),
        ExactRoute("/metrics", health.metrics),
        ExactRoute("/docs", get_docs),
    ]


def account_routes(components: Components) -> list[Route]:
    """Sign-in, and what a person can do with an account."""
    accounts = components.accounts
    return [
        _measured("/v1/sign-in", accounts.request_by_json, "POST"),
        _measured("/sign-in", accounts.request_by_form, "POST"),
        _measured("/sign-in/sent/", accounts.sent),
        _measured("/sign-in/", accounts.link, "GET", "POST"),
        _measured("/me/", accounts.me),
        _measured("/v1/me/export", accounts.export),
        _measured("/sign-out", accounts.sign_out, "POST"),
        _measured("/me/sessions/revoke", accounts.revoke, "POST"),
        _measured("/me/erase", accounts.erase, "POST"),
        _measured("/me/erased/", accounts.erased),
    ]


def _matching(routes: Iterable[Route]) -> Callable[[str], bool]:
    """Whether a path is one of these routes'."""
    patterns = [route.path_regex for route in routes]
    return lambda path: any(pattern.match(path) for pattern in patterns)


def _measured(path: str, endpoint: Endpoint | VoteEndpoint, *methods: str) -> Route:
    """A route that is measured; a `VoteEndpoint` is an ASGI application already."""
    app: ASGIApp = endpoint if isinstance(endpoint, VoteEndpoint) else _as_asgi(endpoint)
    return ExactRoute(path, MeasuredApp(path, app), methods=methods or ("GET",))


def _as_asgi(endpoint: Endpoint) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


class _SiteFallback:
    """The site on every path without a route, except under `/v1/`."""

    def __init__(self, site: ASGIApp, not_found: ASGIApp) -> None:
        self._site = site
        self._not_found = not_found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        of_api = scope["type"] != "http" or path == "/v1" or path.startswith("/v1/")
        await (self._not_found if of_api else self._site)(scope, receive, send)


async def _on_database_away(_: Request, __: Exception) -> Response:
    return DATABASE_AWAY.response()
