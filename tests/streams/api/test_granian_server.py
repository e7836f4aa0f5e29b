"""The server on its port: connections that are silent, slow or ask for too much."""

import asyncio
import resource
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Receive, Scope, Send

from infra.settings import Settings
from streams.api.granian_server import (
    DESCRIPTORS,
    MAX_HEAD_BYTES,
    connection_capacity,
    create_server,
    descriptors_to_ask_for,
)
from tests.harness.ports import free_port

HEAD_SECONDS = 0.5
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n"
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def answer_ok(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def run(scenario: Callable[[Connect], Awaitable[None]], **environ: str) -> None:
    """Run a scenario against a server that waits half a second for a head."""

    async def serve() -> None:
        port = free_port()
        settings = Settings.from_environment({"VERDICTS_PORT": str(port), **environ})
        server = create_server(answer_ok, settings, HEAD_SECONDS)
        serving = asyncio.create_task(server.serve())

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            async with asyncio.timeout(10):
                while True:
                    try:
                        return await asyncio.open_connection("127.0.0.1", port)
                    except ConnectionRefusedError:
                        await asyncio.sleep(0.05)

        try:
            await scenario(connect)
        finally:
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait_for(serving, 10)

    asyncio.run(serve())


async def send_and_read(connect: Connect, sent: bytes) -> bytes:
    """What arrives until the server closes the connection."""
    reader, writer = await connect()
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"G", REQUEST, REQUEST + b"Accept: te"])
def test_a_connection_without_a_whole_head_is_closed(sent: bytes) -> None:
    async def scenario(connect: Connect) -> None:
        assert not (await send_and_read(connect, sent)).startswith(b"HTTP/1.1 200")

    run(scenario)


def test_an_idle_connection_is_closed_after_its_answer() -> None:
    async def scenario(connect: Connect) -> None:
        answer = await send_and_read(connect, REQUEST + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 200")

    run(scenario)


def test_silent_connections_keep_nobody_else_from_an_answer() -> None:
    async def scenario(connect: Connect) -> None:
        silent = [await connect() for _ in range(300)]
        async with asyncio.timeout(2):
            answer = await send_and_read(connect, REQUEST + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        ends = await asyncio.wait_for(asyncio.gather(*(r.read() for r, _ in silent)), 5)
        assert len(ends) == 300
        for _, writer in silent:
            writer.close()

    run(scenario)


def test_a_head_has_a_limit() -> None:
    async def scenario(connect: Connect) -> None:
        header = b"Padding: " + b"x" * (2 * MAX_HEAD_BYTES) + b"\r\n\r\n"
        answer = await send_and_read(connect, REQUEST + header)
        assert not answer.startswith(b"HTTP/1.1 200")
        half = b"Padding: " + b"x" * (MAX_HEAD_BYTES // 2) + b"\r\n\r\n"
        assert (await send_and_read(connect, REQUEST + half)).startswith(b"HTTP/1.1 200")

    run(scenario)


@pytest.mark.parametrize(("http2", "answered"), [("0", False), ("1", True)])
def test_http_2_is_spoken_only_when_asked_for(http2: str, answered: bool) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"

    async def scenario(connect: Connect) -> None:
        reader, writer = await connect()
        writer.write(preface)
        head = await asyncio.wait_for(reader.read(9), 5)
        assert (head[3:4] == b"\4") is answered
        writer.close()

    run(scenario, VERDICTS_HTTP2=http2)


@pytest.mark.parametrize(
    ("soft", "hard", "wanted"),
    [
        (1024, 20_000, 20_000),
        (1024, 1_048_576, DESCRIPTORS),
        (1024, 1024, 1024),
        (500_000, 1_048_576, 500_000),
        (1024, resource.RLIM_INFINITY, DESCRIPTORS),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, DESCRIPTORS),
    ],
)
def test_the_soft_limit_of_descriptors_is_raised(soft: int, hard: int, wanted: int) -> None:
    assert descriptors_to_ask_for(soft, hard) == wanted


@pytest.mark.parametrize(("descriptors", "capacity"), [(20_000, 19_488), (600, 300)])
def test_descriptors_are_left_for_files_and_servers(descriptors: int, capacity: int) -> None:
    assert connection_capacity(descriptors) == capacity
