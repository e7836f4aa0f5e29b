"""What holds for every request before any route sees it."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from infra.http.fields import RepeatedFieldError, fields_of
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
        fields: Mapping[bytes, bytes] = {}
        try:
            fields = _read_fields(scope)
            self._hosts.require_known(scope, fields)
        except Problem as problem:
            await discard(receive, fields)
            return await problem.response()(scope, receive, send)
        if len(fields) < len(scope["headers"]):
            scope = {**scope, "headers": list(fields.items())}
        return await self._app(scope, receive, send)


def _read_fields(scope: Scope) -> Mapping[bytes, bytes]:
    try:
        return fields_of(scope)
    except RepeatedFieldError as error:
        raise Problem(400, f"The header {error} occurs more than once.") from None
