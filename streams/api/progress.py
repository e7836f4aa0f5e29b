"""How far the projections and the pages are, and waiting for either.

PostgreSQL tells at each commit (`NOTIFY`): on the channel `applied` the first offset of a
partition that is not applied yet, on `published` the version at which every stored page of a tool
now stands.
"""

import asyncio
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import psycopg
import structlog
from psycopg import Notify

K = TypeVar("K", bound=Hashable)
RETRY_SECONDS = 1.0
CHANNELS = ("applied", "published")

log = structlog.get_logger(__name__)


class Marks(Generic[K]):
    """The highest mark per key that was reached, and those who wait for more."""

    def __init__(self) -> None:
        self._high: dict[K, int] = {}
        self._waiting: dict[K, dict[asyncio.Future[None], int]] = {}

    def reach(self, key: K, mark: int) -> None:
        """Note that `key` has come to `mark`, and wake those who waited for no more."""
        if mark <= self._high.get(key, -1):
            return
        self._high[key] = mark
        waiting = self._waiting.get(key)
        if waiting:
            for future in [it for it, wanted in waiting.items() if wanted <= mark]:
                if not future.done():
                    future.set_result(None)

    async def reached(self, key: K, mark: int) -> None:
        """Return once `key` has come to `mark`."""
        if self._high.get(key, -1) >= mark:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(key, {})
        waiting[future] = mark
        try:
            await future
        finally:
            del waiting[future]
            if not waiting:
                self._waiting.pop(key, None)


class Progress:
    """Where everything stands: `applied` by topic and partition, `published` by tool."""

    def __init__(self) -> None:
        self.applied: Marks[tuple[str, int]] = Marks()
        self.published: Marks[str] = Marks()

    def note(self, group: list[tuple[str, str]]) -> None:
        """Take in notifications: pairs of channel and payload."""
        for channel, payload in group:
            if channel == "applied":
                topic, partition, offset = payload.split("/")
                self.applied.reach((topic, int(partition)), int(offset))
            else:
                tool, version = payload.split(" ")
                self.published.reach(tool, int(version))


class Listener:
    """A thread that listens to PostgreSQL and hands what it hears to the loop, in groups.

    Args:
        address: `postgresql://…`.
        heard: Called on the loop with pairs of channel and payload.
        connected: Called on the loop after each (re)connect, since what was said meanwhile is lost.
    """

    def __init__(
        self,
        address: str,
        heard: Callable[[list[tuple[str, str]]], None],
        connected: Callable[[], None],
    ) -> None:
        self._address = address
        self._heard = heard
        self._connected = connected
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join, 2)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                log.warning("the database does not answer", reason=str(error).strip())
                self._stopping.wait(RETRY_SECONDS)
            except RuntimeError:  # the loop is closed: nobody hears any more
                return

    def _listen(self) -> None:
        with psycopg.connect(
            self._address, autocommit=True, connect_timeout=5, application_name="verdicts api"
        ) as connection:
            for channel in CHANNELS:
                connection.execute(f"listen {channel}".encode())
            self._loop.call_soon_threadsafe(self._connected)
            while not self._stopping.is_set():
                group = list(connection.notifies(timeout=0.5, stop_after=1))
                if group:
                    self._loop.call_soon_threadsafe(self._heard, [_plain(it) for it in group])


def _plain(notification: Notify) -> tuple[str, str]:
    return notification.channel, notification.payload
