"""The fuzzers notice servers that fail, hang or break off."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from infra.settings import Settings
from streams.api.granian_server import create_server
from tests.faults.harness.hostile.exchange import HOST, Exchange, pour, request
from tests.faults.hostile.test_fuzzing import has_failed
from tests.harness.ports import free_port

SECONDS = 2.0


async def misbehave(scope: Scope, receive: Receive, send: Send) -> None:
    """Hang, stream, fail or answer, as the path says."""
    if scope["path"] == "/hang":
        await asyncio.Event().wait()
    if scope["path"] == "/stream":
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while True:
            await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
            await asyncio.sleep(0.05)
    status = int(scope["path"][1:])
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"HTTP/1.1 500 is only text here"})


def exchanges(*requests: bytes, closes_in: float | None = None) -> list[Exchange]:
    """What clients of that server see, one after the other; see `pour`."""

    async def serve() -> list[Exchange]:
        port = free_port()
        settings = Settings.from_environment({"VERDICTS_PORT": str(port)})
        server = create_server(misbehave, settings, head_seconds=30)
        serving = asyncio.create_task(server.serve())
        try:
            await _wait_for(port)
            return [
                await (
                    request(port, sent, SECONDS)
                    if b"close" in sent
                    else pour(port, [sent], closes_in)
                )
                for sent in requests
            ]
        finally:
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait({serving}, timeout=10)

    return asyncio.run(serve())


async def _wait_for(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def a_request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("path", "failed"), [("/200", False), ("/404", False), ("/500", True), ("/hang", True)]
)
def test_a_failure_and_a_hang_are_noticed(path: str, failed: bool) -> None:
    (exchange,) = exchanges(a_request(path))
    assert has_failed(exchange) is failed


def test_a_failure_behind_other_answers_of_a_connection_is_noticed() -> None:
    pipelined = b"".join(a_request(path) for path in ("/200", "/500", "/200"))
    (exchange,) = exchanges(pipelined.replace(b"Connection: close\r\n", b""))
    assert exchange.statuses == [200, 500, 200]
    assert has_failed(exchange)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("closes_in", [None, SECONDS])
def test_a_stream_of_events_is_no_hang(closes_in: float | None) -> None:
    """Its heartbeats would keep a client waiting for ever."""
    sent = a_request("/stream").replace(b"Connection: close\r\n", b"")
    (exchange,) = exchanges(sent, closes_in=closes_in)
    assert exchange.closed


def test_half_a_request_is_no_failure_once_its_client_has_gone() -> None:
    (exchange,) = exchanges(b"GET /200 HTTP/1.1\r\nHos")
    assert exchange.closed
    assert not has_failed(exchange)


def test_nothing_that_listens_is_noticed() -> None:
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(request(free_port(), a_request("/200")))
