"""Closes weeks: a thread freezes each week that ended, and writes its digest to the log.

One freezer works at a time, under an advisory lock. Should two decide on one week all the same, the
first decision on the log counts.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import structlog

from infra.kafka import registry
from infra.kafka.client import create_producer
from infra.kafka.codec import Codec
from infra.kafka.delivery import Delivery, Outgoing, send_each
from infra.kafka.offsets import LogOffsets
from infra.postgres.engine import connect, create_engine, wait_for_lock
from infra.settings import Settings
from schemas.events import Event
from schemas.time.instants import rfc3339
from schemas.topics import DIGESTS
from streams.processing.week_freezer import (
    TIMEOUT_SECONDS,
    NotFrozen,
    WeekFreezer,
    earlier_clock,
)

ADVISORY_LOCK = 0x66727A65  # "frze"
LOOK_SECONDS = 60.0
# Longer than a freeze can take, which waits for the log, for the broker, and for the log again.
SILENT_SECONDS = int(4 * TIMEOUT_SECONDS)

log = structlog.get_logger(__name__)


def to_topic(settings: Settings, codec: Codec, event: Event) -> int:
    """Write a freeze and give its offset, once every replica in sync holds it.

    Raises:
        NotFrozen: it was not acknowledged in time; it may be on the log all the same.
    """
    producer, record = create_producer(settings), partial(_freeze_record, codec)
    ((_, outcome),) = send_each(producer, [event], record, TIMEOUT_SECONDS)
    if not isinstance(outcome, Delivery):
        raise NotFrozen(f"Kafka did not take the digest: {outcome}.")
    return outcome.offset


def _freeze_record(codec: Codec, event: Event) -> Outgoing:
    headers = {"ce_id": event.id, "ce_time": rfc3339(event.time), "ce_type": event.type}
    return Outgoing(
        DIGESTS.name,
        event.key.encode(),
        codec.encode(event),
        [(name, value.encode()) for name, value in headers.items()],
    )


@contextmanager
def freezing(
    settings: Settings, codec: Codec | None = None, stopping: threading.Event | None = None
) -> Iterator[WeekFreezer]:
    """Freeze against real servers, for as long as the context lasts."""
    database = create_engine(settings, name="verdicts freezer", pool_size=1)
    try:
        send = partial(to_topic, settings, codec or registry.codec(settings))
        now = partial(earlier_clock, database)
        yield WeekFreezer(database, LogOffsets(settings), send, now, stopping)
    finally:
        database.dispose()


@contextmanager
def exclusive_lock(
    settings: Settings, stopping: threading.Event | None = None, *, silent_seconds: int = 0
) -> Iterator[psycopg.Connection]:
    """Keep every other freezer waiting while the context lasts.

    The lock belongs to the connection that is given. The server ends the connection after
    `silent_seconds` without a query (0: never), so that a stopped process does not block others.

    Raises:
        NotFrozen: `stopping` was set before the lock was free.
    """
    with connect(settings, "verdicts freezer lock") as connection:
        if not wait_for_lock(connection, ADVISORY_LOCK, stopping or threading.Event()):
            raise NotFrozen("Told to stop while another freezer is at work.")
        connection.execute(f"set idle_session_timeout = '{silent_seconds}s'".encode())
        yield connection


class FreezerThread(threading.Thread):
    """Looks about once a minute for weeks to freeze, until it is stopped."""

    def __init__(
        self, settings: Settings, codec: Codec, look_seconds: float = LOOK_SECONDS
    ) -> None:
        super().__init__(name="freezer", daemon=True)
        self._settings = settings
        self._codec = codec
        self._look_seconds = look_seconds
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish the present freeze and end."""
        self._stopping.set()
        if self.ident:
            self.join(timeout=5)

    def run(self) -> None:
        """Look again and again; a failure waits for the next look."""
        with freezing(self._settings, self._codec, self._stopping) as freezer:
            while not self._stopping.is_set():
                try:
                    self._look(freezer)
                except Exception as error:  # any error: the next look comes in a minute
                    if not self._stopping.is_set():
                        log.warning("no week was frozen", reason=repr(error))
                self._stopping.wait(self._look_seconds)

    def _look(self, freezer: WeekFreezer) -> None:
        if not freezer.due():
            return
        with exclusive_lock(self._settings, self._stopping, silent_seconds=SILENT_SECONDS) as lock:
            # Look again: the last holder of the lock may have frozen them.
            for week in freezer.due():
                lock.execute("select 1")
                log.info("closed week", week=week, outcome=freezer.freeze(week))
