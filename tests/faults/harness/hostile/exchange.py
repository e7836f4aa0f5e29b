"""One exchange over TCP with bytes of any kind, and what is wrong with its end."""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")
HOST = "127.0.0.1"
ANSWER_SECONDS = 30.0
"""An answer that takes longer is a hang; the server itself gives a slow body 30 s."""
QUIET_SECONDS = 0.4
"""After so long without a byte, a client that sent nonsense ends its side."""
CLOSE_SECONDS = 10.0
MOST_BYTES = 4 * 1024 * 1024
# A body without a line's end may stand before the next answer, and text is no reason phrase.
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) [A-Za-z -]*\r\n(?:[\w-]+:|\r\n)")
_STREAM = b"content-type: text/event-stream"
_RESET = (ConnectionResetError, BrokenPipeError)


class Exchange(NamedTuple):
    """What a client saw.

    Attributes:
        received: The bytes of all answers.
        closed: Whether the server closed the connection, or streams events on it.
        seconds: From the connection to its end.
    """

    received: bytes
    closed: bool
    seconds: float

    @property
    def statuses(self) -> list[int]:
        """The status of each answer, interim ones included."""
        return [int(status) for status in _STATUS.findall(self.received)]

    @property
    def status(self) -> int:
        """The last status; 0 without any answer."""
        return self.statuses[-1] if self.statuses else 0


async def request(port: int, sent: bytes, seconds: float = ANSWER_SECONDS) -> Exchange:
    """Send a whole request that asks to close the connection, and read to the end.

    A stream of events has no end: there the head is enough.

    Raises:
        ConnectionRefusedError: Nothing listens.
    """
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(HOST, port)
    received = bytearray()
    try:
        async with asyncio.timeout(seconds):
            await _write(writer, [sent])
            while part := await _read(reader):
                received += part
                if _STREAM in received[:2000].lower():
                    break
        closed = True
    except TimeoutError:
        closed = False
    finally:
        writer.transport.abort()
    return Exchange(bytes(received), closed, time.monotonic() - began)


async def pour(port: int, pieces: Sequence[bytes], closes_in: float | None = None) -> Exchange:
    """Send pieces of anything, and read until the server closes.

    Args:
        port: Where the server listens on loopback.
        pieces: Sent one after the other.
        closes_in: How long the server may take to close the connection by itself. Without it the
            client ends its side once nothing arrives any more.

    Raises:
        ConnectionRefusedError: Nothing listens.
    """
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(HOST, port)
    received = bytearray()
    try:
        await _write(writer, pieces)
        closed = await _read_until_quiet(reader, received, closes_in or QUIET_SECONDS)
        if not closed and closes_in is None:
            with contextlib.suppress(OSError):
                writer.write_eof()
            closed = await _read_until_quiet(reader, received, CLOSE_SECONDS)
    finally:
        writer.transport.abort()
    return Exchange(bytes(received), closed, time.monotonic() - began)


async def _write(writer: asyncio.StreamWriter, pieces: Sequence[bytes]) -> None:
    """Write; a server may answer and close before it has read everything."""
    with contextlib.suppress(*_RESET, TimeoutError):
        for piece in pieces:
            writer.write(piece)
            async with asyncio.timeout(QUIET_SECONDS if len(pieces) > 1 else ANSWER_SECONDS):
                await writer.drain()
            await asyncio.sleep(0)


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(64 * 1024)
    except _RESET:
        return b""


async def _read_until_quiet(
    reader: asyncio.StreamReader, received: bytearray, seconds: float
) -> bool:
    """Whether the server closed before it was quiet for so long, or streams events."""
    while len(received) < MOST_BYTES and _STREAM not in received.lower():
        try:
            async with asyncio.timeout(seconds):
                part = await _read(reader)
        except TimeoutError:
            return False
        if not part:
            return True
        received += part
    return True


async def at_once(count: int, limit: int, job: Callable[[int], Awaitable[T]]) -> list[T]:
    """The results of `count` numbered jobs, of which at most `limit` run at once."""
    results: dict[int, T] = {}
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            results[number] = await job(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(limit, count)):
            group.create_task(work())
    return [results[number] for number in range(count)]
