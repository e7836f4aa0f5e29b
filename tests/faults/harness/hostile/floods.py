"""Floods of one address, as many as its clients can make.

`python -m tests.faults.harness.hostile.floods NAME PORT COUNT ARGUMENT` prints `ready` when the
flood is complete, runs until SIGTERM, and prints what its clients saw.
"""

import asyncio
import contextlib
import itertools
import random
import signal
import sys
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from streams.api.granian_server import raise_descriptor_limit
from tests.faults.harness.hostile.exchange import HOST, request

HEAD = "GET /tools/ HTTP/1.1\r\nHost: {host}\r\nCookie: "
SLOW_SECONDS = 1.0
"""Between two bytes of a slow client."""
RETRY_SECONDS = 5.0
"""After a refusal, on average, as in `site.js`."""
CONNECTING_AT_ONCE = 200

Client = Callable[[Callable[[], None]], Awaitable[None]]
"""One client; it calls its argument once it is on."""


class Flood:
    """Clients that go on until they are cancelled.

    Args:
        port: Where the server listens on loopback.
        argument: What the flood needs: a cookie, or a token.
    """

    def __init__(self, port: int, argument: str) -> None:
        self.port = port
        self.host = f"{HOST}:{port}"
        self.argument = argument
        self.seen: Counter[str] = Counter()
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self.chances = random.Random(port)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        async with self._connecting, asyncio.timeout(30):
            reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def silent(self, started: Callable[[], None]) -> None:
        """Connect and say nothing; where the server closes, connect again."""
        async with self._connection() as (reader, _):
            started()
            await reader.read()
            self.seen["closed"] += 1

    async def slow_head(self, started: Callable[[], None]) -> None:
        """Send a head that never ends, a byte at a time."""
        async with self._connection() as (reader, writer):
            writer.write(HEAD.format(host=self.host).encode())
            started()
            await self._trickle(reader, writer)

    async def slow_body(self, started: Callable[[], None]) -> None:
        """Send a body that never ends, a byte at a time."""
        head = (
            f"POST /v1/events HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: 100000\r\n"
            f"Content-Type: application/json\r\nAuthorization: Bearer {self.argument}\r\n\r\n"
        )
        async with self._connection() as (reader, writer):
            writer.write(head.encode())
            started()
            await self._trickle(reader, writer)

    async def _trickle(self, reader: StreamReader, writer: StreamWriter) -> None:
        answer = asyncio.create_task(reader.read())
        while not answer.done():
            writer.write(b"x")
            await asyncio.wait({answer}, timeout=SLOW_SECONDS)
        self.seen[_status(answer.result())] += 1

    async def streams(self, started: Callable[[], None]) -> None:
        """Follow a tool's changes."""
        async with self._connection() as (reader, writer):
            writer.write(self._get("/v1/changes?tool=steady"))
            head = await reader.readuntil(b"\r\n\r\n")
            self.seen[_status(head)] += 1
            started()
            if b" 200 " in head:
                await reader.read()
            else:
                await asyncio.sleep(RETRY_SECONDS * 2 * self.chances.random())

    async def one_voter(self, started: Callable[[], None]) -> None:
        """Vote as often as answers come, all clients as one voter."""
        started()
        for turn in itertools.count():
            body = b'{"choice":"ship"}' if turn % 2 else b'{"choice":"skip"}'
            data = (
                f"PUT /v1/tools/tool-a/vote HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n"
                f"Origin: http://{self.host}\r\nCookie: {self.argument}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            ).encode()
            await self._request(data + body)

    async def searching(self, started: Callable[[], None]) -> None:
        """Search for words that nobody searched for before."""
        started()
        while True:
            word = self.chances.choice(("tool", "vision", "fast", "lodz", "one%20vs%20other"))
            await self._request(self._get(f"/search/?q={word}%20{self.chances.randrange(10**6)}"))

    async def unknown_tools(self, started: Callable[[], None]) -> None:
        """Follow fifty tools that do not exist, for a moment."""
        started()
        while True:
            names = "&".join(f"tool=x{self.chances.randrange(10**9)}" for _ in range(50))
            await self._request(self._get(f"/v1/changes?{names}"))

    async def _request(self, data: bytes) -> None:
        try:
            exchange = await request(self.port, data)
        except OSError as error:
            self.seen[type(error).__name__] += 1
        else:
            self.seen[str(exchange.status)] += 1

    def _get(self, target: str) -> bytes:
        return f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode()


def _status(answer: bytes) -> str:
    return answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.1 ") else "closed"


async def run(client: Client, flood: Flood, count: int) -> None:
    """Run so many clients until SIGTERM; each begins again when the server ends it."""
    ending, ready, started = asyncio.Event(), asyncio.Event(), 0
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)

    def note_start() -> None:
        nonlocal started
        started += 1
        if started == count:
            ready.set()

    async def repeat() -> None:
        while True:
            try:
                await client(note_start)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                flood.seen[type(error).__name__] += 1
                await asyncio.sleep(SLOW_SECONDS)

    clients = [asyncio.create_task(repeat()) for _ in range(count)]
    await ready.wait()
    print("ready", flush=True)
    await ending.wait()
    for task in clients:
        task.cancel()
    await asyncio.wait(clients)
    print(", ".join(f"{kind} {number}" for kind, number in sorted(flood.seen.items())), flush=True)


async def main(name: str, port: str, count: str, argument: str) -> None:
    """Run the flood of this name."""
    flood = Flood(int(port), argument)
    await run(getattr(flood, name), flood, int(count))


if __name__ == "__main__":
    raise_descriptor_limit()
    asyncio.run(main(*sys.argv[1:]))
