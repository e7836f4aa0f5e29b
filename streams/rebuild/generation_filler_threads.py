"""Threads of a worker that keep every generation beside the live one up with the log."""

import threading

import psycopg
import structlog
from confluent_kafka import KafkaException
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from infra.consumer.protocols import LogMismatchError
from infra.kafka.codec import Codec
from infra.postgres.engine import connect, create_engine, wait_for_lock
from infra.settings import Settings
from projections import generations
from streams.rebuild.generation_filler import GenerationFiller

LOOK_SECONDS = 1.0
FILLER_LOCK = 0x666F6C6C0000  # "foll", and the generation's number
log = structlog.get_logger(__name__)


class GenerationFillers(threading.Thread):
    """Runs a filler for every generation beside the live one, one at a time for each."""

    def __init__(self, settings: Settings, database: Engine, codec: Codec) -> None:
        """Look for generations through `database`."""
        super().__init__(name="generation fillers", daemon=True)
        self._settings, self._database, self._codec = settings, database, codec
        self._stopping = threading.Event()
        self._threads: dict[str, threading.Thread] = {}

    def stop(self) -> None:
        """Finish the present batches and end."""
        self._stopping.set()
        for thread in [self, *self._threads.values()]:
            if thread.ident:
                thread.join(timeout=5)

    def run(self) -> None:
        """Look for generations about once a second."""
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                with self._database.connect() as connection:
                    beside = set(generations.list_names(connection)) - {
                        generations.find_live(connection)
                    }
            except SQLAlchemyError as error:
                log.warning("generations are unknown", reason=str(error))
                continue
            for name in beside:
                if not (name in self._threads and self._threads[name].is_alive()):
                    thread = threading.Thread(
                        target=self._fill, args=(name,), name=name, daemon=True
                    )
                    self._threads[name] = thread
                    thread.start()

    def _fill(self, name: str) -> None:
        """Keep one generation up with the log until it is live or gone, or something fails."""
        database = create_engine(
            self._settings, name=f"verdicts {name}", generation=name, writes=True, pool_size=2
        )
        try:
            with connect(self._settings, f"verdicts {name}") as connection:
                if wait_for_lock(connection, lock_of(name), self._stopping):
                    filler = GenerationFiller(self._settings, database, self._codec)
                    log.info("filling", generation=name)
                    try:
                        while not self._stopping.is_set():
                            filler.step()
                    finally:
                        filler.close()
        except (SQLAlchemyError, psycopg.Error, KafkaException, LogMismatchError) as error:
            log.info("filling ends", generation=name, reason=str(error))
        finally:
            database.dispose()


def lock_of(generation: str) -> int:
    """The advisory lock of the process that fills this generation."""
    return FILLER_LOCK + int(generation.rpartition("_")[2])
