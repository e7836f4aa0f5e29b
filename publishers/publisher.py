"""The publisher: marks what changes, and as the active one writes its pages."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import msgspec
import psycopg
import structlog
from faust.types import TP
from sqlalchemy import Engine, event

from infra.consumer.agent import consume
from infra.consumer.app import batched_app
from infra.consumer.group_commit import GroupCommitter
from infra.consumer.measured_sink import MeasuredSink
from infra.consumer.partition_consumer import BatchSteps
from infra.consumer.protocols import Record
from infra.consumer.runner import assigned, every, instance_name, run
from infra.kafka.offsets import LogOffsets
from infra.postgres import heartbeats
from infra.postgres.engine import create_engine, wait_notifications
from infra.postgres.leader_election import LeaderThread, Lease
from infra.postgres.pipeline import pipelined
from infra.runtime import gc_tuning
from infra.settings import Settings
from infra.telemetry import recording
from projections.write import checkpoints, dirty_records, outbox
from projections.write.checkpoints import CheckpointMove, DatabaseCheckpoints
from projections.write.outbox import RecordKey
from publishers.build.site_builder import BuildStats, SiteBuilder
from publishers.build.site_files import SiteFiles
from publishers.build.throttle import ThrottledJob
from schemas.channels import Channel, ServiceName
from schemas.topics import CHANGES

GROUP = "verdicts-publisher"
ADVISORY_LOCK = 0x7075626C  # "publ"
# Shares of the time, and the least and most seconds from one run to the next. A busy tool's page is
# rendered some thirty times a second and not for each of a thousand votes.
OWN, FRONT, REST = (0.5, 0.03, 0.2), (0.3, 0.0, 1.0), (0.1, 0.3, 3.0)
WEEKS = (0.1, 1.0, 3.0)
log = structlog.get_logger(__name__)


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    database = with_async_commit(
        create_engine(settings, name="verdicts publisher", pool_size=8, retried=True)
    )
    app = batched_app(
        GROUP, settings, DatabaseCheckpoints(database, LogOffsets(settings), checkpoints.PUBLISHER)
    )

    def sink(place: TP) -> MeasuredSink:
        return MeasuredSink(DirtySink(place, database), place.topic)

    consume(app, CHANGES.name, sink, GroupCommitter(partial(mark, database)), gaps=True)
    instance = instance_name(settings.instance)
    writer = ActivePublisher(settings, _press(settings, database), instance)

    def beat() -> None:
        detail = {"assigned": assigned(app), "active": writer.active}
        with database.begin() as connection:
            heartbeats.record(connection, ServiceName.PUBLISHER, instance, detail)

    async def writing() -> None:
        writer.start()

    app.task(every(app, heartbeats.SECONDS, beat, name="heartbeat"))
    app.task(writing)
    gc_tuning.reduce_gc()
    try:
        run(app)
    finally:
        writer.stop()
        with database.begin() as connection:
            heartbeats.remove(connection, ServiceName.PUBLISHER, instance)


def publish_all(settings: Settings) -> dict[str, int]:
    """Render every page from the projections; give the numbers of pages and of those changed."""
    press = _press(settings, create_engine(settings, name="verdicts publish"))
    printed: BuildStats | None = None
    try:
        with sigterm_as_interrupt():
            printed = press.build_all(hands=os.cpu_count() or 1)
    finally:
        if printed is None or printed.changed:
            # The active publisher may have written a newer page meanwhile, also where this came to
            # an early end: it looks at them all again.
            press.mark_all()
    return {"rendered": printed.rendered, "changed": printed.changed}


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end what is under way as Ctrl-C does: with all that it leaves to be done."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def with_async_commit(database: Engine) -> Engine:
    """Have commits answered before they are on the server's disk.

    Marks come and go together with the checkpoint that says so. What the server loses when it
    crashes, the last moments, is read from the topic or printed once more.
    """

    def connected(connection: psycopg.Connection, _: object) -> None:
        connection.execute("set synchronous_commit = off")
        connection.commit()

    event.listen(database, "connect", connected)
    return database


def _press(settings: Settings, database: Engine) -> SiteBuilder:
    return SiteBuilder(database, SiteFiles(settings.data / "site"), settings.public_url)


class Notifications:
    """Hears on a connection that something was marked, and which records changed a moment ago."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._named: set[RecordKey] = set()
        for channel in (Channel.DIRTY, Channel.OUTBOX):
            connection.execute(f"listen {channel}".encode())

    def wait(self, seconds: float) -> None:
        """Return as soon as there is something to hear."""
        for notice in wait_notifications(self._connection, seconds):
            if notice.channel == Channel.OUTBOX:
                self._named.update(outbox.keys_in(notice.payload))

    def take(self) -> set[RecordKey]:
        """The records that were named since this was called last."""
        self.wait(0.0)
        named, self._named = self._named, set()
        return named


class MarkBatch(NamedTuple):
    """What the records of one partition name, and how its checkpoint moves over them."""

    move: CheckpointMove
    keys: list[RecordKey]


def mark(database: Engine, named: Sequence[MarkBatch]) -> None:
    """Mark keys in the transaction that moves the checkpoints."""
    with pipelined(database) as connection:
        require_moved = checkpoints.move(
            connection, [it.move for it in named], checkpoints.PUBLISHER
        )
        dirty_records.mark(connection, (key for it in named for key in it.keys))
        require_moved()


class DirtySink:
    """Marks the records that one partition of changes names as dirty."""

    def __init__(self, place: TP, database: Engine) -> None:
        self._place = place
        self._database = database

    def stored(self) -> int:
        """Look up this partition's checkpoint."""
        with self._database.connect() as connection:
            return checkpoints.stored(connection, self._place, checkpoints.PUBLISHER)

    def apply(self, records: Sequence[Record], expected: int, upto: int) -> BatchSteps[MarkBatch]:
        """Mark the records' keys in the transaction that moves the checkpoint."""
        yield MarkBatch(CheckpointMove(self._place, expected, upto), list(map(_key, records)))


def _key(record: Record) -> RecordKey:
    kind, _, key = (record.key or b"").decode().partition(":")
    return RecordKey(kind, key)


class ActivePublisher(LeaderThread):
    """Writes pages while it has the turn."""

    def __init__(self, settings: Settings, press: SiteBuilder, instance: str) -> None:
        super().__init__(settings, ADVISORY_LOCK, ServiceName.PUBLISHER, instance)
        self._press = press

    def serve(self, lease: Lease) -> None:
        """Bring all pages up to date, then those of what changes."""
        hearing = Notifications(lease.connection)
        lease.require()
        self._press.acquire(lease.require, hearing.take)
        printed = self._measured(self._press.build_all)
        log.info("all pages stand", rendered=printed.rendered, changed=printed.changed)
        self.active = True
        own = self._errand(self._press.build_tool_pages, lambda: True, *OWN)
        front = self._errand(
            self._press.build_dependent_pages, lambda: self._press.front_waits, *FRONT
        )
        weeks = self._errand(self._press.check_week_rollover, lambda: True, *WEEKS)
        rest = self._errand(self._press.build_summaries, lambda: self._press.rest_waits, *REST)
        while not self.stopping.is_set():
            for errand in (own, front, weeks, rest):
                errand.run_if_due()
            hearing.wait(
                min(front.seconds_until_due(), weeks.seconds_until_due(), rest.seconds_until_due())
            )
            self.stopping.wait(own.seconds_until_due())

    def _errand(
        self, run: Callable[[], BuildStats], waits: Callable[[], bool], *pace: float
    ) -> ThrottledJob:
        return ThrottledJob(partial(self._measured, run), waits, *pace)

    def _measured(self, run: Callable[[], BuildStats]) -> BuildStats:
        began = time.monotonic()
        printed = run()
        if printed.marks or printed.rendered:
            seconds = round(time.monotonic() - began, 4)
            recording.built(printed.rendered, printed.changed, seconds)
            log.debug("printed", **msgspec.to_builtins(printed), seconds=seconds)
        return printed
