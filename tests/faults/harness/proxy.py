"""A TCP proxy between clients and a server, which loses or delays data on command.

It runs on a loop in a thread of its own. What passes through a connection is shown to a tap,
which may change its mind about the connection: that is how single answers get lost.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from infra.embedded.ports import LOOPBACK

_CHUNK = 1 << 16


T = TypeVar("T")


class Tap(Protocol):
    """Sees what one connection carries."""

    def ask(self, data: bytes) -> bool:
        """What the client sends; False ends the connection in place of passing it on."""
        ...

    def answer(self, data: bytes) -> bool:
        """What the server sends; False ends the connection in place of passing it on."""
        ...


class Passing:
    """Passes everything on."""

    def ask(self, data: bytes) -> bool:  # noqa: ARG002
        return True

    def answer(self, data: bytes) -> bool:  # noqa: ARG002
        return True


class Proxy:
    """Listens on a free port of loopback for one server.

    Args:
        target: Port of the server, on loopback; it may be set later.
        tap: Makes what looks at each connection.
    """

    def __init__(self, target: int = 0, tap: Callable[[], Tap] = Passing) -> None:
        self.target = target
        self._tap = tap
        self._open: set[asyncio.StreamWriter] = set()
        self._down = False
        self._delay = 0.0
        self._passing = asyncio.Event()
        self._passing.set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = self._call(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def cut(self) -> None:
        """End all connections, and refuse new ones until `heal`."""
        self._down = True
        self.drop()

    def drop(self) -> None:
        """End all connections; new ones are accepted."""
        self._call(self._drop())

    def delay(self, seconds: float) -> None:
        """Delay every piece of data."""
        self._delay = seconds

    def hold(self) -> None:
        """Accept and read everything, and pass nothing on until `heal`: a hanging server."""
        self._call(self._hold())

    def heal(self) -> None:
        """Pass everything on at once."""
        self._down, self._delay = False, 0.0
        self._loop.call_soon_threadsafe(self._passing.set)

    def close(self) -> None:
        self.heal()
        self.cut()
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, LOOPBACK, 0)

    async def _hold(self) -> None:
        self._passing.clear()

    async def _drop(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._down:
            writer.transport.abort()
            return
        try:
            server, to_server = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, to_server}
        if self._down:  # cut while the server was being reached
            for direction in both:
                direction.transport.abort()
            return
        self._open |= both
        tap = self._tap()
        ways = (
            asyncio.create_task(self._carry(reader, to_server, tap.ask)),
            asyncio.create_task(self._carry(server, writer, tap.answer)),
        )
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for direction in both:
            direction.transport.abort()
        self._open -= both

    async def _carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        may_pass: Callable[[bytes], bool],
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._passing.wait()
                if not may_pass(data):
                    return
                sink.write(data)
                await sink.drain()
