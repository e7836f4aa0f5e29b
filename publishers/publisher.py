"""The publisher: marks what changes, and as the active one writes its pages."""

import threading
import time
from collections.abc import Sequence

import msgspec
import psycopg
import structlog
from faust.types import TP
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from infra.consumer.agent import consume
from infra.consumer.app import batched_app
from infra.consumer.partition import Record
from infra.consumer.process import assigned, every, instance_name, run
from infra.database import engine, plain_connection, wait_for_lock, wait_for_notice
from infra.log import Log
from infra.settings import Settings
from projections import checkpoints, heartbeats
from projections.checkpoints import DatabaseCheckpoints
from projections.outbox import Key
from publishers import dirty
from publishers.files import SiteFiles
from publishers.press import Press
from schemas.topics import CHANGES

GROUP = "verdicts-publisher"
SERVICE = "publisher"
ADVISORY_LOCK = 0x7075626C  # "publ"
# After a run this long passes before the next, so that a busy tool's pages are rendered some
# twenty times a second and not for each of a thousand votes.
COALESCE_SECONDS = 0.02
log = structlog.get_logger(__name__)


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    database = engine(settings, name="verdicts publisher", pool_size=8)
    app = batched_app(
        GROUP, settings, DatabaseCheckpoints(database, Log(settings), checkpoints.PUBLISHER)
    )
    consume(app, CHANGES.name, lambda place: Marker(place, database), gaps=True)
    writer = Writer(settings, database)
    instance = instance_name(settings.instance)

    def beat() -> None:
        detail = {"assigned": assigned(app), "active": writer.active}
        with database.begin() as connection:
            heartbeats.beat(connection, SERVICE, instance, detail)

    async def writing() -> None:
        writer.start()

    app.task(every(app, heartbeats.SECONDS, beat, name="heartbeat"))
    app.task(writing)
    try:
        run(app)
    finally:
        writer.stop()
        with database.begin() as connection:
            heartbeats.leave(connection, SERVICE, instance)


def publish_all(settings: Settings) -> dict[str, int]:
    """Render every page from the projections; give the numbers of pages and of those changed."""
    printed = _press(settings, engine(settings, name="verdicts publish")).print_all()
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


class Writer(threading.Thread):
    """Writes pages while it holds the lock; others wait for it to let go."""

    def __init__(self, settings: Settings, database: Engine) -> None:
        super().__init__(name="writer", daemon=True)
        self._settings = settings
        self._press = _press(settings, database)
        self._stopping = threading.Event()
        self.active = False

    def stop(self) -> None:
        """Finish the pages in hand and end."""
        self._stopping.set()
        if self.ident:
            self.join(timeout=5)

    def run(self) -> None:
        """Wait for the turn, then write; start over after any fault."""
        while not self._stopping.is_set():
            try:
                with plain_connection(self._settings, "verdicts publisher lock") as connection:
                    if wait_for_lock(connection, ADVISORY_LOCK, self._stopping):
                        self._serve(connection)
            except (SQLAlchemyError, psycopg.Error, OSError) as error:
                log.warning("publisher starts over", reason=str(error))
                self._stopping.wait(1.0)
            finally:
                self.active = False

    def _serve(self, connection: psycopg.Connection) -> None:
        connection.execute(f"listen {dirty.CHANNEL}".encode())
        printed = self._press.print_all()
        log.info("all pages stand", rendered=printed.rendered, changed=printed.changed)
        self.active = True
        while not self._stopping.is_set():
            began = time.monotonic()
            printed = self._press.print_marked()
            if printed.marks:
                seconds = round(time.monotonic() - began, 4)
                log.debug("printed", **msgspec.to_builtins(printed), seconds=seconds)
                self._stopping.wait(COALESCE_SECONDS)
            else:
                wait_for_notice(connection)
