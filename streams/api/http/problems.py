"""Errors as RFC 9457 problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """An error that the client sees.

    Args:
        status: HTTP status code.
        detail: One sentence for a person: what is wrong, or what to do.
        pointer: JSON pointer to the invalid field, where there is one.
        headers: Further headers of the response.
        members: Further members of the problem object.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        pointer: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.pointer = pointer
        self.headers = dict(headers or {})
        self.members = members

    def body(self) -> bytes:
        """The problem object as JSON."""
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.pointer is not None:
            problem["pointer"] = self.pointer
        return msgspec.json.encode(problem | self.members)

    def response(self) -> Response:
        """The problem as a response."""
        return Response(self.body(), self.status, self.headers, MEDIA_TYPE)


def unavailable(detail: str, *, seconds: int = 2, **members: Any) -> Problem:
    """503: a dependency is away; the client may try again after `seconds`."""
    return Problem(503, detail, headers={"Retry-After": str(seconds)}, **members)


async def on_problem(_: Request, error: Exception) -> Response:
    """Respond with a problem that a route raised."""
    assert isinstance(error, Problem)
    return error.response()


async def on_http_error(request: Request, error: Exception) -> Response:
    """Respond to an error of routing: no such path, no such method."""
    assert isinstance(error, HTTPException)
    path = request.scope["path"]  # the URL of a request needs a readable query
    details = {
        404: f"There is nothing at {path}.",
        405: f"{path} does not support {request.method}.",
    }
    detail = details.get(error.status_code, error.detail)
    return Problem(error.status_code, detail, headers=error.headers).response()


async def on_crash(request: Request, error: Exception) -> Response:
    """Respond to a fault of ours; its cause goes to the log, never into the response."""
    log.error("a request failed", path=request.scope["path"], exc_info=error)
    return Problem(500, "Something went wrong on our side; it has been logged.").response()
