"""What holds for every request before any route sees it."""

from starlette.types import ASGIApp, Receive, Scope, Send

from infra.http.fields import RepeatedFieldError, join_fields
from streams.api.http.problems import Problem
from streams.api.http.request_body import discard
from streams.api.middleware.known_hosts import KnownHosts


class RequestGate:
    """ASGI middleware: the app sees each header field once, and requests for known hosts only."""

    def __init__(self, app: ASGIApp, hosts: KnownHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, or refuse the request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            scope = self._checked(scope)
        except Problem as problem:
            await discard(receive, dict(scope["headers"]))
            return await problem.response()(scope, receive, send)
        return await self._app(scope, receive, send)

    def _checked(self, scope: Scope) -> Scope:
        try:
            headers = join_fields(scope["headers"])
        except RepeatedFieldError as error:
            raise Problem(400, f"The header {error} occurs more than once.") from None
        self._hosts.require_known(scope, headers)
        if len(headers) == len(scope["headers"]):
            return scope
        return {**scope, "headers": list(headers.items())}
