"""The publisher: marks what changes, and as the active one writes its pages."""

import time
from collections.abc import Callable, Sequence

import msgspec
import structlog
from faust.types import TP
from sqlalchemy import Engine

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
# After a run this long passes before the next, so that a busy tool's pages are rendered some
# twenty times a second and not for each of a thousand votes.
COALESCE_SECONDS = 0.02
# What only sums votes up is written this much later.
LEAST_REST_SECONDS, MOST_REST_SECONDS = 0.3, 3.0
LONGEST_WAIT = 0.5
log = structlog.get_logger(__name__)


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    database = engine(settings, name="verdicts publisher", pool_size=8)
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
    printed = press.print_all()
    if printed.changed:
        # The active publisher may have written a newer page meanwhile: it looks at them all again.
        press.mark_all()
    return {"rendered": printed.rendered, "changed": printed.changed}


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
        waits, due = True, 0.0  # whether a rest waits to be written, and until when
        while not self.stopping.is_set():
            first = self._print(self._press.print_front, lease)
            waits = waits or first.marks > 0
            if waits and time.monotonic() >= due:
                began = time.monotonic()
                waits = self._print(self._press.print_rest, lease).marks > 0
                # On a large site it takes a tenth of the time at most, but it is never late.
                took = time.monotonic() - began
                due = began + min(max(LEAST_REST_SECONDS, 10 * took), MOST_REST_SECONDS)
            if first.marks:
                self.stopping.wait(COALESCE_SECONDS)
            else:
                seconds = due - time.monotonic() if waits else LONGEST_WAIT
                wait_for_notice(lease.connection, max(0.0, seconds))

    def _print(self, run: Callable[[Fence], Printed], lease: Lease) -> Printed:
        began = time.monotonic()
        printed = run(lease.require)
        if printed.marks:
            seconds = round(time.monotonic() - began, 4)
            measuring.printed(printed.rendered, printed.changed, seconds)
            log.debug("printed", **msgspec.to_builtins(printed), seconds=seconds)
        return printed
