"""The publisher: one process is active and writes the pages of what changes."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import psycopg
from sqlalchemy import Engine, event

from infra.postgres.engine import create_engine, wait_notifications
from infra.postgres.heartbeats import HeartbeatThread, instance_name
from infra.postgres.leader_election import LeaderThread, Lease
from infra.runtime import gc_tuning
from infra.settings import Settings
from publishers.build.incremental_build import BuildStats, SiteBuilder
from publishers.build.site_files import SiteFiles
from publishers.templating import theme
from schemas.channels import Channel, ServiceName

ADVISORY_LOCK = 0x7075626C  # "publ"
LISTEN_SECONDS = 0.01


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
            built = builder.build_all(processes=os.cpu_count() or 1)
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
    theme.activate(settings)
    return SiteBuilder(database, SiteFiles(settings.data / "site"), settings.public_url)


class ActivePublisher(LeaderThread):
    """Writes pages while this process is the leader."""

    def __init__(self, settings: Settings, builder: SiteBuilder, instance: str) -> None:
        super().__init__(settings, ADVISORY_LOCK, ServiceName.PUBLISHER, instance)
        self._builder = builder

    def serve(self, lease: Lease) -> None:
        """Build the pages of what changes, and check all files behind that."""
        lease.connection.execute(f"listen {Channel.CHANGED}".encode())
        lease.require()
        self._builder.acquire(lease.require)
        self._builder.start()
        self.active = True
        listened = 0.0
        while not self.stopping.is_set():
            wait = self._builder.seconds_until_due()
            # Looking for notifications takes time, and marks are not read before each page either.
            if wait > 0 or time.monotonic() - listened > LISTEN_SECONDS:
                if wait_notifications(lease.connection, wait):
                    self._builder.notify()
                listened = time.monotonic()
            self._builder.build_next()
