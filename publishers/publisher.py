"""The publisher: marks what changes, and as the active one writes its pages."""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import psycopg
import structlog
from faust.types import TP
from sqlalchemy import Engine, event

from infra import collector, measuring
from infra.consumer.agent import consume
from infra.consumer.app import batched_app
from infra.consumer.partition import Record
from infra.consumer.process import assigned, every, instance_name, run
from infra.database import engine, wait_for_notice
from infra.log import Log
from infra.measuring import Measured
from infra.settings import Settings
from infra.turns import Lease, Turn
from projections import checkpoints, heartbeats
from projections.checkpoints import DatabaseCheckpoints
from projections.outbox import Key
from publishers import dirty
from publishers.files import SiteFiles
from publishers.press import Fence, Press, Printed
from schemas.topics import CHANGES

GROUP = "verdicts-publisher"
SERVICE = "publisher"
ADVISORY_LOCK = 0x7075626C  # "publ"
# Shares of the time, and the least and most seconds from one run to the next. A busy tool's page is
# rendered some thirty times a second and not for each of a thousand votes.
OWN, FRONT, REST = (0.5, 0.03, 0.2), (0.3, 0.0, 1.0), (0.1, 0.3, 3.0)
LONGEST_WAIT = 0.5
log = structlog.get_logger(__name__)


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    database = _unhurried(engine(settings, name="verdicts publisher", pool_size=8))
    app = batched_app(
        GROUP, settings, DatabaseCheckpoints(database, Log(settings), checkpoints.PUBLISHER)
    )

    def sink(place: TP) -> Measured:
        return Measured(Marker(place, database), place.topic)

    consume(app, CHANGES.name, sink, gaps=True)
    instance = instance_name(settings.instance)
    writer = Writer(settings, database, instance)

    def beat() -> None:
        detail = {"assigned": assigned(app), "active": writer.active}
        with database.begin() as connection:
            heartbeats.beat(connection, SERVICE, instance, detail)

    async def writing() -> None:
        writer.start()

    app.task(every(app, heartbeats.SECONDS, beat, name="heartbeat"))
    app.task(writing)
    collector.spare()
    try:
        run(app)
    finally:
        writer.stop()
        with database.begin() as connection:
            heartbeats.leave(connection, SERVICE, instance)


def publish_all(settings: Settings) -> dict[str, int]:
    """Render every page from the projections; give the numbers of pages and of those changed."""
    press = _press(settings, engine(settings, name="verdicts publish"))
    printed = press.print_all(hands=os.cpu_count() or 1)
    if printed.changed:
        # The active publisher may have written a newer page meanwhile: it looks at them all again.
        press.mark_all()
    return {"rendered": printed.rendered, "changed": printed.changed}


def _unhurried(database: Engine) -> Engine:
    """Have commits answered before they are on the server's disk.

    Marks come and go together with the checkpoint that says so. What the server loses when it
    crashes, the last moments, is read from the topic or printed once more.
    """

    def connected(connection: psycopg.Connection, _: object) -> None:
        connection.execute("set synchronous_commit = off")
        connection.commit()

    event.listen(database, "connect", connected)
    return database


def _press(settings: Settings, database: Engine) -> Press:
    return Press(database, SiteFiles(settings.data / "site"), settings.public_url)


class Marker:
    """Marks what one partition of changes names; see `infra.consumer.partition.Sink`."""

    def __init__(self, place: TP, database: Engine) -> None:
        self._place = place
        self._database = database

    def stored(self) -> int:
        """Look up this partition's checkpoint."""
        with self._database.connect() as connection:
            return checkpoints.stored(connection, self._place, checkpoints.PUBLISHER)

    def apply(self, records: Sequence[Record], expected: int, upto: int) -> None:
        """Mark the records' keys in the transaction that moves the checkpoint."""
        with self._database.begin() as connection:
            checkpoints.move(connection, self._place, expected, upto, checkpoints.PUBLISHER)
            dirty.mark(connection, map(_key, records))


def _key(record: Record) -> Key:
    kind, _, key = (record.key or b"").decode().partition(":")
    return Key(kind, key)


class Errand:
    """Work that may wait, so that it takes no more than its share of the time; but not for long.

    Args:
        run: Does what there is to do; false when that was nothing.
        share: Of the time, at most.
        least: Seconds from one run to the next, at least.
        most: The same, at most, whatever its share is then.
    """

    def __init__(self, run: Callable[[], bool], share: float, least: float, most: float) -> None:
        self._run = run
        self._share, self._least, self._most = share, least, most
        self._due = 0.0
        self.waits = True

    def do(self) -> bool:
        """Do it if it is due; whether there was anything to do."""
        began = time.monotonic()
        if not self.waits or began < self._due:
            return False
        self.waits = self._run()
        took = time.monotonic() - began
        self._due = began + min(max(self._least, took / self._share), self._most)
        return self.waits

    def idle(self) -> float:
        """Seconds until it wants to be done."""
        return max(0.0, self._due - time.monotonic()) if self.waits else LONGEST_WAIT


class Writer(Turn):
    """Writes pages while it has the turn."""

    def __init__(self, settings: Settings, database: Engine, instance: str) -> None:
        super().__init__(settings, ADVISORY_LOCK, SERVICE, instance)
        self._press = _press(settings, database)

    def serve(self, lease: Lease) -> None:
        """Bring all pages up to date, then those of what changes."""
        lease.connection.execute(f"listen {dirty.CHANNEL}".encode())
        lease.require()
        self._press.take_over()
        printed = self._press.print_all(lease.require)
        log.info("all pages stand", rendered=printed.rendered, changed=printed.changed)
        self.active = True
        own = Errand(partial(self._print, self._press.print_own, lease), *OWN)
        front = Errand(partial(self._print, self._press.print_front, lease), *FRONT)
        rest = Errand(partial(self._print, self._press.print_rest, lease), *REST)
        while not self.stopping.is_set():
            front.waits = own.do() or front.waits
            rest.waits = front.do() or rest.waits
            rest.do()
            wait_for_notice(lease.connection, min(front.idle(), rest.idle()))
            own.waits = True
            self.stopping.wait(own.idle())

    def _print(self, run: Callable[[Fence], Printed], lease: Lease) -> bool:
        began = time.monotonic()
        printed = run(lease.require)
        if printed.marks:
            seconds = round(time.monotonic() - began, 4)
            measuring.printed(printed.rendered, printed.changed, seconds)
            log.debug("printed", **msgspec.to_builtins(printed), seconds=seconds)
        return printed.marks > 0
