"""The processors: each event topic's records, folded and stored by one actor per partition."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol

import structlog
from aiokafka.structs import ConsumerRecord
from faust.types import TP
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError

from infra import trail
from infra.codec import Codec, UndecodableError
from infra.consumer.agent import consume
from infra.consumer.app import BatchedApp
from infra.consumer.partition import LARGE_BATCH, Sink
from infra.consumer.together import Together
from infra.measuring import Measured
from projections import checkpoints, store
from projections.store import Batch
from schemas.events import Event
from schemas.topics import EVENT_TOPICS
from streams.deadletters import DeadLetters
from streams.traced import traced

Records = Sequence[ConsumerRecord]
Poison = tuple[ConsumerRecord, Exception]
Apply = Callable[[Batch], None]
log = structlog.get_logger(__name__)


class Morgue(Protocol):
    """Where dead letters go; `streams.deadletters.DeadLetters` is the real one."""

    def write(self, letters: Iterable[tuple[Any, Exception]]) -> None:
        """Write letters with what made them ones, and return once they are safe."""
        ...


class Projector:
    """Applies one partition to the projections; see `infra.consumer.partition.Sink`."""

    def __init__(
        self, place: TP, engine: Engine, codec: Codec, dead_letters: Morgue, apply: Apply
    ) -> None:
        self._place = place
        self._engine = engine
        self._codec = codec
        self._dead_letters = dead_letters
        self._apply = apply

    def stored(self) -> int:
        """Look up this partition's checkpoint."""
        with self._engine.connect() as connection:
            return checkpoints.stored(connection, self._place, checkpoints.PROJECTIONS)

    def apply(self, records: Records, expected: int, upto: int) -> None:
        """Apply what can be applied, after the rest stands in the dead letters."""
        records, events, poison = self._decoded(records)
        self._bury(poison)
        self._store(records, events, expected, upto)

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

    def _store(self, records: Records, events: list[Event], expected: int, upto: int) -> None:
        try:
            self._apply(Batch(self._place, expected, upto, events))
            trail.applied(self._place, (event.id for event in events))
        except (DataError, IntegrityError) as error:
            self._bisect(records, events, expected, upto, error)

    def _bisect(
        self, records: Records, events: list[Event], expected: int, upto: int, error: Exception
    ) -> None:
        """Find the record that the database refuses, and bury that one alone."""
        if len(records) == 1:
            self._bury([(records[0], error)])
            self._apply(Batch(self._place, expected, upto, ()))
            return
        half = len(records) // 2
        middle = records[half].offset
        self._store(records[:half], events[:half], expected, middle)
        self._store(records[half:], events[half:], middle, upto)

    def _bury(self, poison: list[Poison]) -> None:
        if poison:
            self._dead_letters.write(poison)
            for record, error in poison:
                log.warning(
                    "dead letter", topic=record.topic, partition=record.partition,
                    offset=record.offset, reason=str(error),
                )  # fmt: skip


def register(app: BatchedApp, engine: Engine, codec: Codec, dead_letters: DeadLetters) -> None:
    """Register one agent per event topic."""
    apply = grouped(engine)

    def sink(place: TP) -> Sink:
        measured = Measured(Projector(place, engine, codec, dead_letters, apply), place.topic)
        return traced(measured, place, engine, codec)

    for topic in EVENT_TOPICS:
        consume(app, topic.name, sink)


def grouped(engine: Engine) -> Apply:
    """Apply small batches that come at the same time in one transaction, large ones beside it."""
    together = Together(partial(store.apply, engine))

    def apply(batch: Batch) -> None:
        if len(batch.events) < LARGE_BATCH:
            together.do(batch)
        else:
            store.apply(engine, [batch])

    return apply
