"""Logs refused requests, and each request where an operator asks for it.

A line holds no query, cookie or token, since those carry secrets. Of a token it holds the id.
"""

import re
import time
from collections import Counter
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.http.fields import RepeatedFieldError, fields_of
from streams.api.auth.trusted_proxies import TrustedProxies, network_prefix

SECURITY_STATUSES = frozenset((401, 403, 429))
MAX_REFUSALS = 20
"""Lines a second for one network, so that a flood of refused requests fills no disk."""
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
        self._second = 0
        self._refusals: Counter[str] = Counter()
        self._left_out = 0

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
            ended = self._clock()
            self.note(scope, status, ended - started, ended)

    def note(self, scope: Scope, status: int, seconds: float, now: float) -> None:
        """Log an answered request, where it is to be logged.

        Args:
            scope: The request's.
            status: The answer's.
            seconds: How long it took.
            now: The clock's time.
        """
        refused = status in SECURITY_STATUSES
        if not refused and not self._every_request:
            return
        line = self._describe(scope, status, seconds)
        if not refused:
            log.info("request", **line)
        elif self._every_request or self._is_within_budget(str(line["client"]), int(now)):
            log.info("request refused", **line)

    def _is_within_budget(self, network: str, second: int) -> bool:
        """Whether to log one more refusal; says how many were left out before this second."""
        if second != self._second:
            if self._left_out:
                log.warning("more requests were refused than are logged", count=self._left_out)
            self._second, self._left_out = second, 0
            self._refusals.clear()
        self._refusals[network] += 1
        if self._refusals[network] > MAX_REFUSALS:
            self._left_out += 1
            return False
        return True

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
