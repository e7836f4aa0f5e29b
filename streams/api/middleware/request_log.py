"""Logs refused requests, and each request where an operator asks for it.

A line holds no query, cookie or token, since those carry secrets. Of a token it holds the id.
"""

import re
import time
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.http.fields import RepeatedFieldError, fields_of
from streams.api.auth.trusted_proxies import TrustedProxies, network_prefix

SECURITY_STATUSES = frozenset((401, 403, 429))
_SHOWN_CHARACTERS = 200
_TOKEN_ID = re.compile(rb"[Bb]earer +vdt_([0-9a-z]{12})_")

log = structlog.get_logger(__name__)


class RequestLog:
    """ASGI middleware: a line per refused request, or per request.

    Args:
        app: The application.
        proxies: Finds the client's address.
        every_request: Whether each request is logged.
        clock: Seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        proxies: TrustedProxies,
        *,
        every_request: bool,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._proxies = proxies
        self._every_request = every_request
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, and log its answer."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status = self._clock(), 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            self._log(scope, status, self._clock() - started)

    def _log(self, scope: Scope, status: int, seconds: float) -> None:
        if status in SECURITY_STATUSES:
            log.info("request refused", **self._describe(scope, status, seconds))
        elif self._every_request:
            log.info("request", **self._describe(scope, status, seconds))

    def _describe(self, scope: Scope, status: int, seconds: float) -> dict[str, str | int | float]:
        try:
            headers = fields_of(scope)
        except RepeatedFieldError:
            headers = {}
        token = _TOKEN_ID.match(headers.get(b"authorization", b""))
        return {
            "method": scope["method"][:_SHOWN_CHARACTERS],
            "path": scope["path"][:_SHOWN_CHARACTERS],
            "status": status,
            "ms": round(seconds * 1000, 1),
            "client": network_prefix(self._proxies.client_address(scope, headers)),
            **({"token": token[1].decode()} if token else {}),
        }
