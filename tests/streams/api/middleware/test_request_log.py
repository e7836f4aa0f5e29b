"""What the log says of a request, and what it never says."""

import asyncio
import contextlib
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from streams.api.auth.trusted_proxies import TrustedProxies
from streams.api.middleware.request_log import MAX_REFUSALS, RequestLog

SECRET = b"x" * 43
TOKEN = b"Bearer vdt_7f3k2m9qx1zd_" + SECRET


def request(status: int, *, every_request: bool = True) -> list[Any]:
    """Answer one request with this status; return the lines of the log."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if status == 500:
            raise ValueError
        await send({"type": "http.response.start", "status": status, "headers": []})

    async def send(message: object) -> None: ...

    headers = [(b"authorization", TOKEN), (b"cookie", SECRET), (b"x-forwarded-for", b"192.0.2.77")]
    scope = {
        "type": "http", "method": "GET", "path": "/v1/me", "query_string": b"token=" + SECRET,
        "headers": headers, "client": ("127.0.0.1", 1),
    }  # fmt: skip
    times = iter((1.0, 1.25))
    proxies = TrustedProxies(["127.0.0.0/8"])
    logged = RequestLog(app, proxies, every_request=every_request, clock=lambda: next(times))
    with capture_logs() as lines, contextlib.suppress(ValueError):
        asyncio.run(logged(scope, None, send))  # type: ignore[arg-type]
    return lines


def test_every_request_is_one_line_where_an_operator_asks_for_it() -> None:
    assert request(200) == [
        {
            "event": "request", "log_level": "info", "method": "GET", "path": "/v1/me",
            "status": 200, "ms": 250.0, "client": "192.0.2.0/24", "token": "7f3k2m9qx1zd",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_refused_request_is_always_logged(status: int) -> None:
    (line,) = request(status, every_request=False)
    assert (line["event"], line["status"]) == ("request refused", status)


@pytest.mark.parametrize("status", [200, 404, 500])
def test_other_requests_are_not_logged_by_default(status: int) -> None:
    assert request(status, every_request=False) == []


@pytest.mark.parametrize("status", [200, 401, 500])
def test_no_line_holds_a_secret(status: int) -> None:
    assert request(status)
    assert SECRET.decode() not in str(request(status))


def test_a_flood_of_refused_requests_does_not_fill_the_log() -> None:
    now = 1.0

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 429, "headers": []})

    async def send(message: object) -> None: ...

    def count(times: int, client: str) -> int:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": (client, 1)}
        with capture_logs() as lines:
            for _ in range(times):
                asyncio.run(logged(scope, None, send))  # type: ignore[arg-type]
        summaries = [line["count"] for line in lines if line["log_level"] == "warning"]
        left_out.extend(summaries)
        return len(lines) - len(summaries)

    left_out: list[int] = []
    logged = RequestLog(refuse, TrustedProxies([]), every_request=False, clock=lambda: now)
    assert count(100, "192.0.2.1") == MAX_REFUSALS
    assert count(3, "198.51.100.1") == 3, "another network has lines of its own"
    now = 2.0
    assert count(1, "192.0.2.1") == 1
    assert left_out == [100 - MAX_REFUSALS]
