"""The processors: each event topic's records, folded and stored by one actor per partition."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import structlog
from aiokafka.structs import ConsumerRecord
from faust.types import TP, StreamT
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError

from infra.codec import Codec, UndecodableError
from infra.faust_app import BatchedApp
from projections import store
from schemas.events import Event
from schemas.topics import EVENT_TOPICS, Topic
from streams.deadletters import DeadLetters
from streams.partition import Partition

# Enough to spread a commit's cost over many votes, few enough to finish within a second.
LARGEST_BATCH = 5_000
log = structlog.get_logger(__name__)


class Projector:
    """Applies the records of one partition to the projections; see `partition.Sink`."""

    def __init__(self, place: TP, engine: Engine, codec: Codec, dead_letters: DeadLetters) -> None:
        self._topic, self._partition = place
        self._engine = engine
        self._codec = codec
        self._dead_letters = dead_letters

    def stored(self) -> int:
        """Look up this partition's checkpoint."""
        with self._engine.connect() as connection:
            return store.stored_offset(connection, self._topic, self._partition)

    def apply(self, records: Sequence[ConsumerRecord], expected: int, upto: int) -> None:
        """Apply what can be applied, after the rest stands in the dead letters."""
        events: list[Event] = []
        poison: list[tuple[ConsumerRecord, str]] = []
        for record in records:
            try:
                events.append(self._codec.decode(self._topic, record.value))
            except UndecodableError as error:
                poison.append((record, str(error)))
        self._bury(poison)
        try:
            store.apply(self._engine, self._topic, self._partition, expected, upto, events)
        except (DataError, IntegrityError) as error:
            self._bisect(records, expected, upto, error)

    def _bisect(
        self, records: Sequence[ConsumerRecord], expected: int, upto: int, error: Exception
    ) -> None:
        """Find the record that the database refuses, and bury that one alone."""
        if len(records) == 1:
            self._bury([(records[0], f"the database refuses it: {error}")])
            store.apply(self._engine, self._topic, self._partition, expected, upto, ())
            return
        half = len(records) // 2
        middle = records[half].offset
        self.apply(records[:half], expected, middle)
        self.apply(records[half:], middle, upto)

    def _bury(self, poison: list[tuple[ConsumerRecord, str]]) -> None:
        if poison:
            self._dead_letters.write(poison)
            for record, reason in poison:
                log.warning(
                    "dead letter", topic=record.topic, partition=record.partition,
                    offset=record.offset, reason=reason,
                )  # fmt: skip


def drained(first: list[Any], stream: StreamT[Any]) -> list[Any]:
    """Take what waits behind the first chunk, so that it shares its transaction.

    What arrives while a transaction is in flight waits in Faust's own bounded queue and becomes
    the next batch. Nothing is kept beside the queue: that would defeat its backpressure, and
    survive a revocation.
    """
    channel: Any = stream.channel
    queue = channel.queue
    records = list(first)
    while len(records) < LARGEST_BATCH and queue.qsize():
        records += queue.get_nowait().value
    return records


def batches(records: list[Any]) -> Iterator[list[Any]]:
    """Split records into batches of at most the largest size."""
    for start in range(0, len(records), LARGEST_BATCH):
        yield records[start : start + LARGEST_BATCH]


def project(
    app: BatchedApp, topic: Topic, engine: Engine, codec: Codec, dead_letters: DeadLetters
) -> None:
    """Register the agent that keeps the projections of one topic."""

    async def agent(stream: StreamT[Any]) -> None:
        partition: Partition | None = None
        async for chunk in stream:
            records = drained(chunk, stream)
            if partition is None:
                place = TP(records[0].topic, records[0].partition)
                sink = Projector(place, engine, codec, dead_letters)
                partition = Partition(f"{place.topic}/{place.partition}", sink, seeker(app, place))
            for batch in batches(records):
                await partition.take(batch)

    channel = app.topic(topic.name, value_type=None, value_serializer="raw", acks=False)
    app.agent(channel, name=f"project.{topic.name}", isolated_partitions=True)(agent)


def seeker(app: BatchedApp, place: TP) -> Any:
    """Give a function that makes the consumer fetch this partition again from an offset."""

    async def seek(offset: int) -> None:
        # Loading verifies that the log still holds that offset, and halts the process if not.
        await asyncio.to_thread(app.checkpoints.load, [place])
        await app.consumer.seek_wait({place: offset})

    return seek


def register(app: BatchedApp, engine: Engine, codec: Codec, dead_letters: DeadLetters) -> None:
    """Register one agent per event topic."""
    for topic in EVENT_TOPICS:
        project(app, topic, engine, codec, dead_letters)
