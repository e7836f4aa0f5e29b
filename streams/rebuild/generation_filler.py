"""Fills a generation that is not live from the log, and keeps it up with the log.

A filler reads with a plain consumer outside the workers' group. It publishes no change and writes
no dead letter. Its transactions fail once its generation is the live one, which the workers write.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec
import structlog
from confluent_kafka import KafkaException, Message
from confluent_kafka import TopicPartition as KafkaPartition
from sqlalchemy import Engine

from infra.consumer.protocols import Mismatch
from infra.kafka.client import create_consumer
from infra.kafka.codec import Codec
from infra.kafka.offsets import LogOffsets
from infra.settings import Settings
from projections.read.checkpoints import Offsets
from projections.write import store
from projections.write.checkpoints import DatabaseCheckpoints
from schemas.topics import EVENT_PARTITIONS, TopicPartition
from streams.processing.batch import DeadLettersOnce, commit_in_halves, prepare
from streams.processing.wait_until_applied import wait_until_applied

LARGEST_FETCH = 10_000
FETCH_SECONDS = 0.05  # a short last fetch waits this long for more
MARKER_SECONDS = 0.5
log = structlog.get_logger(__name__)


class Fetched(msgspec.Struct, gc=False):
    """The fields of a record that a projector reads."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class CountingDeadLetters:
    """Counts dead letters. The workers write them, for the live generation."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, failures: Iterable[object]) -> None:
        """Count them."""
        self.count += sum(1 for _ in failures)


class GenerationFiller:
    """Reads some partitions into one generation.

    Args:
        settings: Name the brokers.
        database: Sees the generation.
        codec: Decodes events.
        partitions: The partitions to read.
    """

    def __init__(
        self,
        settings: Settings,
        database: Engine,
        codec: Codec,
        partitions: Sequence[TopicPartition] = EVENT_PARTITIONS,
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
        self._codec = codec
        self._commit = partial(store.commit, database, quiet=True)
        self._counted = CountingDeadLetters()
        self._dead_letters = {each: DeadLettersOnce(self._counted) for each in partitions}
        self._log = LogOffsets(settings)
        checkpoints = DatabaseCheckpoints(database, self._log)
        self.positions: dict[TopicPartition, int] = dict(checkpoints.load(partitions))
        self._consumer.assign(
            [KafkaPartition(*partition, offset) for partition, offset in self.positions.items()]
        )

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()

    @property
    def passed_over(self) -> int:
        """Number of records that cannot be applied."""
        return self._counted.count

    def step(self) -> int:
        """Apply the records of one fetch; give their number.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away, or the generation is live now.
            confluent_kafka.KafkaException: the log does not hold the offset to read.
        """
        messages = self._consumer.consume(LARGEST_FETCH, FETCH_SECONDS)
        by_partition: dict[TopicPartition, list[Fetched]] = defaultdict(list)
        for record in map(fetched, messages):
            by_partition[record.topic, record.partition].append(record)
        for partition in sorted(by_partition):
            self._apply(partition, by_partition[partition])
        return len(messages)

    def _apply(self, partition: TopicPartition, records: list[Fetched]) -> None:
        upto, dead_letters = records[-1].offset + 1, self._dead_letters[partition]
        batch = prepare(self._codec, partition, records, self.positions[partition], upto)
        dead_letters.write(batch.unusable)
        outcome = commit_in_halves(batch, self._commit, dead_letters.write)
        if isinstance(outcome, Mismatch):
            # Another filler is at work: go on from its offset.
            self._consumer.seek(KafkaPartition(*partition, outcome.stored))
            self.positions[partition] = outcome.stored
        else:
            dead_letters.forget()
            self.positions[partition] = upto

    def catch_up(self, ends: Offsets, progress: Callable[[int], None]) -> None:
        """Read until every partition has reached its end; `progress` gets the offsets left."""

        def read(behind: Offsets) -> None:
            progress(sum(ends[partition] - offset for partition, offset in behind.items()))
            self.step()

        wait_until_applied(ends, lambda: self.positions, self._log, read, MARKER_SECONDS)
        progress(0)


def fetched(message: Message) -> Fetched:
    """Take the fields that are read from a message.

    Raises:
        confluent_kafka.KafkaException: the message carries an error.
    """
    if error := message.error():
        raise KafkaException(error)
    return Fetched(
        str(message.topic()), int(message.partition() or 0), int(message.offset() or 0),
        message.timestamp()[1], message.key(), message.value(),
    )  # fmt: skip
