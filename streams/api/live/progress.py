"""How far the projections and the pages are, and waiting for either.

PostgreSQL tells at each commit (`NOTIFY`): on the channel `applied` the first offset of a
partition that is not applied yet, on `published` the version at which every stored page of a tool
now stands.
"""

import asyncio
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

import psycopg
import structlog
from psycopg import Notify

from infra.postgres.engine import connect
from infra.runtime.blocking_pool import join_async
from infra.settings import Settings
from schemas.channels import Channel
from schemas.topics import EVENT_PARTITIONS, TopicPartition

_NOTHING_APPLIED = dict.fromkeys(EVENT_PARTITIONS, 0)
K = TypeVar("K", bound=Hashable)
RETRY_SECONDS = 1.0
CHANNELS = (Channel.APPLIED, Channel.PUBLISHED)

log = structlog.get_logger(__name__)


class Watermarks(Generic[K]):
    """The mark at which each key stands, and those who wait for it to come further.

    A mark may go back, as where offsets are rewound: what was heard last is what holds.
    """

    def __init__(self) -> None:
        self._at: dict[K, int] = {}
        self._waiting: dict[K, dict[asyncio.Future[None], int]] = {}

    def set(self, key: K, mark: int) -> None:
        """Note that `key` stands at `mark`, and wake those who waited for no more."""
        self._at[key] = mark
        waiting = self._waiting.get(key)
        if waiting:
            for future in [it for it, wanted in waiting.items() if wanted <= mark]:
                if not future.done():
                    future.set_result(None)

    async def wait_for(self, key: K, mark: int) -> None:
        """Return once `key` stands at `mark` or beyond."""
        if self._at.get(key, -1) >= mark:
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
        self.applied: Watermarks[TopicPartition] = Watermarks()
        self.published: Watermarks[str] = Watermarks()
        self._heard: set[TopicPartition] = set()

    def listening(self) -> None:
        """From now on every commit is heard of; what was said before may have been missed."""
        self._heard.clear()

    def read(self, applied: Mapping[TopicPartition, int]) -> None:
        """Take in the checkpoints as they were read at some moment after `listening`.

        Of a partition that was heard of since then, it is not known whether that was before or
        after the moment; but the newest of its commits was heard of, or will be at once.
        """
        for place, offset in {**_NOTHING_APPLIED, **applied}.items():
            if place not in self._heard:
                self.applied.set(place, offset)

    def note(self, group: list[tuple[str, str]]) -> None:
        """Take in notifications: pairs of channel and payload, in the order of the commits."""
        for channel, payload in group:
            if channel == Channel.APPLIED:
                topic, partition, offset = payload.split("/")
                place = topic, int(partition)
                self._heard.add(place)
                self.applied.set(place, int(offset))
            else:
                tool, version = payload.split(" ")
                self.published.set(tool, int(version))


class NotificationListener:
    """A thread that listens to PostgreSQL and hands what it hears to the loop, in groups.

    Args:
        target: Settings with a `database_url`, or such an address itself.
        heard: Called on the loop with pairs of channel and payload.
        connected: Called on the loop after each (re)connect, since what was said meanwhile is lost.
    """

    def __init__(
        self,
        target: Settings | str,
        heard: Callable[[list[tuple[str, str]]], None],
        connected: Callable[[], None],
    ) -> None:
        self._target = target
        self._heard = heard
        self._connected = connected
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        await join_async(self._thread, 2)

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
        with connect(self._target, "verdicts api") as connection:
            for channel in CHANNELS:
                connection.execute(f"listen {channel}".encode())
            self._loop.call_soon_threadsafe(self._connected)
            while not self._stopping.is_set():
                group = list(connection.notifies(timeout=0.5, stop_after=1))
                if group:
                    self._loop.call_soon_threadsafe(self._heard, [_plain(it) for it in group])


def _plain(notification: Notify) -> tuple[str, str]:
    return notification.channel, notification.payload
