"""The freezer: decides each closed week's digest once, as an event on the log.

A week is frozen when every partition has been applied up to where it ended ten minutes after the
week. Whoever freezes holds an advisory lock; should two decide all the same, the first counts. Of a
week in which nothing happened it is decided that it has none: left open, it would be given what
comes after it.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Literal, Protocol

import msgspec
import psycopg
import structlog
from sqlalchemy import Engine

from infra.errors import VerdictsError
from infra.kafka import registry
from infra.kafka.client import create_producer
from infra.kafka.codec import Codec
from infra.kafka.delivery import Delivery, Outgoing, send_each
from infra.kafka.offsets import LogOffsets
from infra.postgres.engine import connect, create_engine, server_time, wait_for_lock
from infra.settings import Settings
from projections.history.digest_input_queries import read_tallies_of_week
from projections.history.digest_weeks import is_frozen, list_unfrozen_weeks
from projections.history.weekly_digests import compute_digest
from projections.read.offsets import read_applied_offsets
from schemas import digests
from schemas.events import DigestFrozen, Event
from schemas.time.instants import rfc3339
from schemas.topics import DIGESTS, EVENT_PARTITIONS, TopicPartition

ADVISORY_LOCK = 0x66727A65  # "frze"
GRACE = 10 * 60 * 1_000_000
LOOK_SECONDS = 60.0
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.05
MARKER_SECONDS = 2.0
# Longer than a freeze can take, which waits for the log, for the broker, and for the log again.
SILENT_SECONDS = int(4 * PATIENCE_SECONDS)

Outcome = Literal["frozen", "quiet", "already"]
log = structlog.get_logger(__name__)


class NotFrozen(VerdictsError):  # noqa: N818 - an outcome, named for what it is
    """A week was not frozen, or nobody can tell; the message is one sentence that says why."""


class Ends(Protocol):
    """Knows where partitions end; `infra.kafka.offsets.Log` is the real one."""

    def ends(self, places: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset that each partition's next record will get."""
        ...

    def has_records(self, place: TopicPartition, begin: int, end: int) -> bool:
        """Whether the log holds any record from offset `begin` up to, not including, `end`."""
        ...


Send = Callable[[Event], int]
"""Writes a freeze to its topic and gives its offset, once every replica in sync holds it."""


def earlier_clock(database: Engine) -> int:
    """The wall clock here or the database's, whichever is behind, in microseconds since 1970.

    What is decided stays so: a clock that is far ahead must not close weeks to come.
    """
    with database.connect() as connection:
        return min(time.time_ns() // 1000, int(server_time(connection) * 1_000_000))


class WeekFreezer:
    """Freezes one week at a time.

    Args:
        database: Sees the projections that somebody else keeps up with the log.
        log_ends: Where the log ends.
        send: Writes a freeze.
        clock: What the time is.
        stopping: Set when waiting is over.
        marker_seconds: How long partitions stand still before it is asked what is left of them.
    """

    def __init__(
        self,
        database: Engine,
        log_ends: Ends,
        send: Send,
        clock: Callable[[], int],
        stopping: threading.Event | None = None,
        marker_seconds: float = MARKER_SECONDS,
    ) -> None:
        self._snapshots = database.execution_options(isolation_level="REPEATABLE READ")
        self._log = log_ends
        self._send = send
        self._clock = clock
        self._stopping = stopping or threading.Event()
        self._marker_seconds = marker_seconds

    def due(self) -> list[str]:
        """The weeks that closed and have to be frozen, oldest first."""
        with self._snapshots.connect() as connection:
            return list_unfrozen_weeks(connection, self._clock() - GRACE)

    def freeze(self, week: str) -> Outcome:
        """Freeze a week as soon as all that stands on the log now is applied.

        Returns once the decision is applied too, so that the next week sees it.

        Raises:
            NotFrozen: the projections do not keep up, or the broker does not answer.
        """
        self._await(self._log.ends(EVENT_PARTITIONS))
        decided = self._decide(week)
        if decided is None:
            return "already"
        offset = self._send(Event(f"freeze-{week}", self._clock(), decided, "/freezer"))
        self._await({(DIGESTS.name, 0): offset + 1})
        return "quiet" if digests.is_quiet(decided.digest) else "frozen"

    def _decide(self, week: str) -> DigestFrozen | None:
        """What is to be written on a week; None where it was decided before."""
        with self._snapshots.connect() as connection:
            if is_frozen(connection, week):
                return None
            made = compute_digest(connection, week)
            final = (
                msgspec.structs.replace(made, frozen=True)
                if made
                else digests.QuietWeek(week, quiet=True)
            )
            return DigestFrozen(week, digests.write(final), read_tallies_of_week(connection, week))

    def _await(self, ends: Mapping[TopicPartition, int]) -> None:
        """Return when every partition is applied up to its end.

        Where a producer used transactions, markers that are no records may stand last: nothing
        will ever move a checkpoint past them. So once none of those that are behind has moved for
        a while, it is asked whether a record is left for them.
        """
        began = moved = time.monotonic()
        behind: dict[TopicPartition, int] = {}
        while found := self._behind(ends):
            if found != behind:
                behind, moved = found, time.monotonic()
            elif time.monotonic() - moved > self._marker_seconds:
                if not any(self._log.has_records(it, at, ends[it]) for it, at in behind.items()):
                    return
                moved = time.monotonic()
            late = time.monotonic() - began > PATIENCE_SECONDS
            if late or self._stopping.wait(POLL_SECONDS):
                topic, partition = next(iter(found))
                raise NotFrozen(f"The projections are behind on {topic}/{partition}.")

    def _behind(self, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """The partitions that are not applied up to their ends, and how far they are."""
        with self._snapshots.connect() as connection:
            applied = read_applied_offsets(connection, sorted({topic for topic, _ in ends}))
        return {it: at for it, end in ends.items() if (at := applied.get(it, 0)) < end}


def to_topic(settings: Settings, codec: Codec, event: Event) -> int:
    """Write a freeze and give its offset, once every replica in sync holds it.

    Raises:
        NotFrozen: it was not acknowledged in time; it may stand on the log all the same.
    """
    producer, record = create_producer(settings), partial(_freeze_record, codec)
    ((_, outcome),) = send_each(producer, [event], record, PATIENCE_SECONDS)
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

    The lock goes with the connection that is given. The server ends it when nothing is asked over
    it for `silent_seconds` (0: never), so that a stopped process does not keep others for good.

    Raises:
        NotFrozen: told to stop before the lock was free.
    """
    with connect(settings, "verdicts freezer lock") as connection:
        if not wait_for_lock(connection, ADVISORY_LOCK, stopping or threading.Event()):
            raise NotFrozen("Told to stop while another freezer is at work.")
        connection.execute(f"set idle_session_timeout = '{silent_seconds}s'".encode())
        yield connection


class FreezerThread(threading.Thread):
    """Looks about once a minute for weeks to freeze, until told to stop."""

    def __init__(
        self, settings: Settings, codec: Codec, look_seconds: float = LOOK_SECONDS
    ) -> None:
        super().__init__(name="freezer", daemon=True)
        self._settings = settings
        self._codec = codec
        self._look_seconds = look_seconds
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish what is in hand and end."""
        self._stopping.set()
        if self.ident:
            self.join(timeout=5)

    def run(self) -> None:
        """Look again and again; what fails is tried at the next look."""
        with freezing(self._settings, self._codec, self._stopping) as work:
            while not self._stopping.is_set():
                try:
                    self._look(work)
                except Exception as error:  # whatever it is, the next look comes in a minute
                    if not self._stopping.is_set():
                        log.warning("no week was frozen", reason=repr(error))
                self._stopping.wait(self._look_seconds)

    def _look(self, work: WeekFreezer) -> None:
        if not work.due():
            return
        with exclusive_lock(self._settings, self._stopping, silent_seconds=SILENT_SECONDS) as lock:
            # Look again: who held the lock until now may have frozen them.
            for week in work.due():
                lock.execute("select 1")
                log.info("closed week", week=week, outcome=work.freeze(week))
