"""A follower fills a generation that is not live from the log, and keeps it up with the log.

It reads with a plain consumer, apart from the workers' group, and applies in silence: nothing is
published, no dead letter is written a second time. Its transactions fail once its generation is
the live one; from then on the processors write it.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import msgspec
import psycopg
import structlog
from confluent_kafka import KafkaException, Message
from confluent_kafka import TopicPartition as KafkaPartition
from faust.types import TP
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from infra.consumer.group_commit import run_alone
from infra.consumer.protocols import CheckpointMismatch, LogMismatchError
from infra.kafka.client import create_consumer
from infra.kafka.codec import Codec
from infra.kafka.offsets import LogOffsets
from infra.postgres.engine import connect, create_engine, wait_for_lock
from infra.settings import Settings
from projections import generations
from projections.write import store
from projections.write.checkpoints import DatabaseCheckpoints
from schemas.topics import EVENT_PARTITIONS, TopicPartition
from streams.processing.projector import Projector

LARGEST_FETCH = 10_000
FETCH_SECONDS = 0.05  # a short last fetch waits this long for more
LOOK_SECONDS = 1.0
MARKER_SECONDS = 0.5
FOLLOWER_LOCK = 0x666F6C6C0000  # "foll", and the generation's number
log = structlog.get_logger(__name__)


class Fetched(msgspec.Struct, gc=False):
    """A record as the processors know it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class CountingDeadLetters:
    """Takes dead letters and counts them: to write them is for the live generation."""

    def __init__(self) -> None:
        self.heard = 0

    def write(self, poison: Iterable[object]) -> None:
        """Count them."""
        self.heard += sum(1 for _ in poison)


class GenerationFiller:
    """Reads some partitions into one generation.

    Args:
        settings: Where the log is.
        database: Sees the generation.
        codec: Decodes events.
        places: The partitions to read.
    """

    def __init__(
        self,
        settings: Settings,
        database: Engine,
        codec: Codec,
        places: Sequence[TopicPartition] = EVENT_PARTITIONS,
    ) -> None:
        self._consumer = create_consumer(
            settings,
            {
                # Memory: queued records take several times this, and a rebuild runs one consumer
                # per parallel range.
                "queued.max.messages.kbytes": 4_096,
                "max.partition.fetch.bytes": 262_144,
            },
        )

        self._run = partial(store.apply, database, quiet=True)
        self._silence = CountingDeadLetters()
        self._sinks = {
            place: Projector(TP(*place), database, codec, self._silence) for place in places
        }
        self._log = LogOffsets(settings)
        checkpoints = DatabaseCheckpoints(database, self._log)
        self.positions: dict[TopicPartition, int] = dict(checkpoints.load(places))
        self._consumer.assign([KafkaPartition(*place, at) for place, at in self.positions.items()])

    def close(self) -> None:
        """Let the broker go."""
        self._consumer.close()

    @property
    def passed_over(self) -> int:
        """Records that could not be applied: dead letters, if the live generation found so too."""
        return self._silence.heard

    def step(self) -> int:
        """Apply what comes within a moment; give the number of records.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away, or the generation is live now.
            confluent_kafka.KafkaException: the log does not hold what it held.
        """
        messages = self._consumer.consume(LARGEST_FETCH, FETCH_SECONDS)
        came: dict[TopicPartition, list[Fetched]] = defaultdict(list)
        for record in map(fetched, messages):
            came[record.topic, record.partition].append(record)
        for place in sorted(came):
            self._apply(place, came[place])
        return len(messages)

    def _apply(self, place: TopicPartition, records: list[Fetched]) -> None:
        upto = records[-1].offset + 1
        try:
            run_alone(self._sinks[place].apply(records, self.positions[place], upto), self._run)
        except CheckpointMismatch as missed:
            # Another follower is at work: go on from where it is.
            self._consumer.seek(KafkaPartition(*place, missed.stored))
            upto = missed.stored
        self.positions[place] = upto

    def catch_up(self, ends: Mapping[TopicPartition, int], progress: Callable[[int], None]) -> None:
        """Read until every partition has reached its end; `progress` gets records left.

        Where a producer used transactions, markers that are no records may stand last. So once
        nothing has come for a while, it is asked whether a record is left.
        """
        came = time.monotonic()
        while left := self._left(ends):
            progress(sum(left.values()))
            if self.step():
                came = time.monotonic()
            elif time.monotonic() - came > MARKER_SECONDS:
                if not any(self._log.has_records(it, self.positions[it], ends[it]) for it in left):
                    break
                came = time.monotonic()
        progress(0)

    def _left(self, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """The partitions that are not at their ends, and how many offsets are left of each."""
        left = {place: end - self.positions[place] for place, end in ends.items()}
        return {place: count for place, count in left.items() if count > 0}


def fetched(message: Message) -> Fetched:
    """Take from a message what is needed of it.

    Raises:
        confluent_kafka.KafkaException: it is no message but an error.
    """
    if error := message.error():
        raise KafkaException(error)
    return Fetched(
        str(message.topic()), int(message.partition() or 0), int(message.offset() or 0),
        message.key(), message.value(),
    )  # fmt: skip


class GenerationFillers(threading.Thread):
    """Keeps every generation beside the live one up with the log, one follower at a time each."""

    def __init__(self, settings: Settings, database: Engine, codec: Codec) -> None:
        """Look for generations through `database`."""
        super().__init__(name="followers", daemon=True)
        self._settings, self._database, self._codec = settings, database, codec
        self._stopping = threading.Event()
        self._threads: dict[str, threading.Thread] = {}

    def stop(self) -> None:
        """Finish the batches in hand and end."""
        self._stopping.set()
        for thread in [self, *self._threads.values()]:
            if thread.ident:
                thread.join(timeout=5)

    def run(self) -> None:
        """Look about once a second which generations there are."""
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                with self._database.connect() as connection:
                    following = set(generations.list_names(connection)) - {
                        generations.find_live(connection)
                    }
            except SQLAlchemyError as error:
                log.warning("generations are unknown", reason=str(error))
                continue
            for name in following:
                if not (name in self._threads and self._threads[name].is_alive()):
                    thread = threading.Thread(
                        target=self._follow, args=(name,), name=name, daemon=True
                    )
                    self._threads[name] = thread
                    thread.start()

    def _follow(self, name: str) -> None:
        """Follow one generation until it is live or gone, or something fails."""
        database = create_engine(
            self._settings, name=f"verdicts {name}", generation=name, writes=True, pool_size=2
        )
        try:
            with connect(self._settings, f"verdicts {name}") as connection:
                if wait_for_lock(connection, lock_of(name), self._stopping):
                    follower = GenerationFiller(self._settings, database, self._codec)
                    log.info("following", generation=name)
                    try:
                        while not self._stopping.is_set():
                            follower.step()
                    finally:
                        follower.close()
        except (SQLAlchemyError, psycopg.Error, KafkaException, LogMismatchError) as error:
            log.info("following ends", generation=name, reason=str(error))
        finally:
            database.dispose()


def lock_of(generation: str) -> int:
    """The advisory lock of whoever follows this generation."""
    return FOLLOWER_LOCK + int(generation.rpartition("_")[2])
