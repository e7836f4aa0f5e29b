"""PostgreSQL notifications of commits, from a thread to the event loop."""

import asyncio
import threading
from collections.abc import Callable

import psycopg
import structlog

from infra.postgres.engine import connect, wait_notifications
from infra.runtime.blocking_pool import join_async
from infra.settings import Settings
from schemas.channels import Channel
from streams.api.live.progress import Notification

CHANNELS = (Channel.APPLIED,)
RETRY_SECONDS = 1.0
CLOSE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class NotificationListener:
    """A thread that listens to PostgreSQL and calls back on the loop, with groups.

    Args:
        target: Settings with a `database_url`, or such an address.
        on_notifications: Called on the loop with pairs of channel and payload.
        on_connect: Called on the loop after each (re)connect: notifications may have been lost.
    """

    def __init__(
        self,
        target: Settings | str,
        on_notifications: Callable[[list[Notification]], None],
        on_connect: Callable[[], None],
    ) -> None:
        self._target = target
        self._on_notifications = on_notifications
        self._on_connect = on_connect
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        await join_async(self._thread, CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                log.warning("the database does not answer", reason=str(error).strip())
                self._stopping.wait(RETRY_SECONDS)
            except RuntimeError:  # the loop is closed
                return

    def _listen(self) -> None:
        with connect(self._target, "verdicts api") as connection:
            for channel in CHANNELS:
                connection.execute(f"listen {channel}".encode())
            self._loop.call_soon_threadsafe(self._on_connect)
            while not self._stopping.is_set():
                notifications = [
                    (notify.channel, notify.payload) for notify in wait_notifications(connection)
                ]
                if notifications:
                    self._loop.call_soon_threadsafe(self._on_notifications, notifications)
