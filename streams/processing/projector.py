"""The processors: each event topic's records, folded and stored by one actor per partition."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol

from aiokafka.structs import ConsumerRecord
from faust.types import TP
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError

from infra.consumer.agent import consume
from infra.consumer.app import BatchedApp
from infra.consumer.group_commit import GroupCommitter
from infra.consumer.measured_sink import MeasuredSink
from infra.consumer.partition_consumer import BatchSink, BatchSteps
from infra.kafka.codec import Codec, UndecodableError
from infra.telemetry import event_log
from projections.write import checkpoints, store
from projections.write.store import Batch
from schemas.events import Event
from schemas.topics import EVENT_TOPICS
from streams.deadletters.producer import DeadLetterProducer
from streams.processing.traced_sink import traced

Records = Sequence[ConsumerRecord]
Poison = tuple[ConsumerRecord, Exception]


class DeadLetterSink(Protocol):
    """Where dead letters go; `streams.deadletters.producer.DeadLetterProducer` is the real one."""

    def write(self, poison: Iterable[tuple[Any, Exception]]) -> None:
        """Write each record with the error that it caused; return once the broker holds them."""
        ...


class Projector:
    """Applies one partition's records to the projections."""

    def __init__(
        self, place: TP, engine: Engine, codec: Codec, dead_letters: DeadLetterSink
    ) -> None:
        self._place = place
        self._engine = engine
        self._codec = codec
        self._dead_letters = dead_letters
        self._buried_already: set[int] = set()

    def stored(self) -> int:
        """Look up this partition's checkpoint."""
        with self._engine.connect() as connection:
            return checkpoints.stored(connection, self._place)

    def apply(self, records: Records, expected: int, upto: int) -> BatchSteps[Batch]:
        """Apply what can be applied, after the rest stands in the dead letters."""
        records, events, poison = self._decoded(records)
        if poison:
            yield from self._dead_letter(poison)
        yield from self._applied(records, events, expected, upto)
        self._buried_already.clear()

    def _decoded(self, records: Records) -> tuple[Records, list[Event], list[Poison]]:
        """What can be decoded, and its events, and what cannot."""
        decode, topic = self._codec.decode, self._place.topic
        try:
            return records, [decode(topic, record.value) for record in records], []
        except UndecodableError:
            pass  # then one by one
        readable: list[ConsumerRecord] = []
        events: list[Event] = []
        poison: list[Poison] = []
        for record in records:
            try:
                events.append(decode(topic, record.value))
                readable.append(record)
            except UndecodableError as error:
                poison.append((record, error))
        return readable, events, poison

    def _applied(
        self, records: Records, events: list[Event], expected: int, upto: int
    ) -> BatchSteps[Batch]:
        try:
            yield Batch(self._place, expected, upto, events)
        except (DataError, IntegrityError) as error:
            yield from self._bisected(records, events, expected, upto, error)
        else:
            event_log.applied(self._place, (event.id for event in events))

    def _bisected(
        self, records: Records, events: list[Event], expected: int, upto: int, error: Exception
    ) -> BatchSteps[Batch]:
        """Find the record that the database refuses, and bury that one alone."""
        if len(records) == 1:
            yield from self._dead_letter([(records[0], error)])
            yield Batch(self._place, expected, upto, ())
            return
        half = len(records) // 2
        middle = records[half].offset
        yield from self._applied(records[:half], events[:half], expected, middle)
        yield from self._applied(records[half:], events[half:], middle, upto)

    def _dead_letter(self, poison: list[Poison]) -> BatchSteps[Batch]:
        """Write dead letters, each once however often the batch has to be tried."""
        new = [it for it in poison if it[0].offset not in self._buried_already]
        if new:
            yield None  # other partitions do not wait for the broker
            self._dead_letters.write(new)
            self._buried_already |= {record.offset for record, _ in new}


def register(
    app: BatchedApp, engine: Engine, codec: Codec, dead_letters: DeadLetterProducer
) -> None:
    """Register one agent per event topic."""
    together = GroupCommitter(partial(store.apply, engine))

    def sink(place: TP) -> BatchSink:
        measured = MeasuredSink(Projector(place, engine, codec, dead_letters), place.topic)
        return traced(measured, place, engine, codec)

    for topic in EVENT_TOPICS:
        consume(app, topic.name, sink, together)
