"""Measures every request: duration by method, route and status."""

import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.telemetry import tracing
from infra.telemetry.metrics import REQUESTS
from streams.api.http.problems import Problem, unavailable

# Clients can invent methods; a metric series for each would fill the memory.
METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
)
OTHER = "OTHER"
DATABASE_AWAY = unavailable("The database is not responding.")


class RouteTimer:
    """Observes how long requests of a route take, by method and status.

    Args:
        route: Its path, with parameters by name.
    """

    def __init__(self, route: str) -> None:
        self.route = route
        self._observers: dict[tuple[str, int], Callable[[float], None]] = {}

    def observe(self, method: str, status: int, seconds: float) -> None:
        """Observe a request."""
        method = method if method in METHODS else OTHER
        observe = self._observers.get((method, status))
        if observe is None:
            observe = REQUESTS.labels(method, self.route, str(status)).observe
            self._observers[method, status] = observe
        observe(seconds)


class MeasuredApp:
    """Times requests until their response is sent; errors count by their final status."""

    def __init__(self, route: str, app: ASGIApp) -> None:
        self._timer = RouteTimer(route)
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app and observe its duration."""
        start = time.perf_counter()
        status = 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with tracing.request(scope, self._timer.route) as set_status:
            try:
                await self._app(scope, receive, send_noting_status)
            except Problem as problem:
                status = problem.status
                raise
            except SQLAlchemyError:
                status = DATABASE_AWAY.status
                raise
            finally:
                set_status(status)
                self._timer.observe(scope["method"], status, time.perf_counter() - start)
