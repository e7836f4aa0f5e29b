"""The publisher: one process is active and writes the pages of what changes."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue

import msgspec
import psycopg
import structlog
from sqlalchemy import Engine, event

from infra.postgres.engine import create_engine, wait_notifications
from infra.postgres.heartbeats import HeartbeatThread, instance_name
from infra.postgres.leader_election import LeaderThread, Lease
from infra.runtime import gc_tuning
from infra.settings import Settings
from infra.telemetry import recording
from publishers.build.site_builder import BuildStats, SiteBuilder
from publishers.build.site_files import SiteFiles
from publishers.build.throttle import ThrottledJob
from schemas.channels import Channel, ServiceName

ADVISORY_LOCK = 0x7075626C  # "publ"
# Shares of the time, and the least and most seconds from one run to the next. A busy tool's page is
# rendered some thirty times a second and not for each of a thousand votes.
OWN, FRONT, REST = (0.5, 0.03, 0.2), (0.3, 0.0, 1.0), (0.1, 0.3, 3.0)
WEEKS = (0.1, 1.0, 3.0)
log = structlog.get_logger(__name__)


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.put(number))
    database = with_async_commit(create_engine(settings, name="verdicts publisher", retried=True))
    instance = instance_name(settings.instance)
    publisher = ActivePublisher(settings, _site_builder(settings, database), instance)
    heartbeat = HeartbeatThread(
        database, ServiceName.PUBLISHER, instance, lambda: {"active": publisher.active}
    )
    gc_tuning.reduce_gc()
    heartbeat.start()
    publisher.start()
    signals.get()
    publisher.stop()
    heartbeat.stop()


def publish_all(settings: Settings) -> dict[str, int]:
    """Render every page from the projections; give the numbers of pages and of those changed."""
    builder = _site_builder(settings, create_engine(settings, name="verdicts publish"))
    built: BuildStats | None = None
    try:
        with sigterm_as_interrupt():
            built = builder.build_all(hands=os.cpu_count() or 1)
    finally:
        if built is None or built.changed:
            # This may have replaced a newer page of the active publisher, also where it came to an
            # early end. The active publisher then renders all pages again.
            builder.mark_all()
    return {"rendered": built.rendered, "changed": built.changed}


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM raise `KeyboardInterrupt`, as Ctrl-C does, so that `finally` clauses run."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def with_async_commit(database: Engine) -> Engine:
    """Have commits answered before they are on the server's disk.

    The publisher commits the deletion of marks alone. Marks that come back with a server that
    crashed are rendered once more.
    """

    def set_option(connection: psycopg.Connection, _: object) -> None:
        connection.execute("set synchronous_commit = off")
        connection.commit()

    event.listen(database, "connect", set_option)
    return database


def _site_builder(settings: Settings, database: Engine) -> SiteBuilder:
    return SiteBuilder(database, SiteFiles(settings.data / "site"), settings.public_url)


class ActivePublisher(LeaderThread):
    """Writes pages while this process is the leader."""

    def __init__(self, settings: Settings, builder: SiteBuilder, instance: str) -> None:
        super().__init__(settings, ADVISORY_LOCK, ServiceName.PUBLISHER, instance)
        self._builder = builder

    def serve(self, lease: Lease) -> None:
        """Bring all pages up to date, then those of what changes."""
        lease.connection.execute(f"listen {Channel.CHANGED}".encode())
        lease.require()
        self._builder.acquire(lease.require)
        built = self._measured(self._builder.catch_up)
        log.info("all pages are up to date", rendered=built.rendered, changed=built.changed)
        self.active = True
        own = self._job(self._builder.build_tool_pages, lambda: True, *OWN)
        front = self._job(
            self._builder.build_dependent_pages, lambda: self._builder.front_waits, *FRONT
        )
        weeks = self._job(self._builder.check_week_rollover, lambda: True, *WEEKS)
        rest = self._job(self._builder.build_summaries, lambda: self._builder.rest_waits, *REST)
        while not self.stopping.is_set():
            for job in (own, front, weeks, rest):
                job.run_if_due()
            seconds = min(job.seconds_until_due() for job in (front, weeks, rest))
            wait_notifications(lease.connection, seconds)
            self.stopping.wait(own.seconds_until_due())

    def _job(
        self, run: Callable[[], BuildStats], waits: Callable[[], bool], *pace: float
    ) -> ThrottledJob:
        return ThrottledJob(partial(self._measured, run), waits, *pace)

    def _measured(self, run: Callable[[], BuildStats]) -> BuildStats:
        began = time.monotonic()
        built = run()
        if built.marks or built.rendered:
            seconds = round(time.monotonic() - began, 4)
            recording.built(built.rendered, built.changed, seconds)
            log.debug("built", **msgspec.to_builtins(built), seconds=seconds)
        return built
