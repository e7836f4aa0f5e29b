"""The processors: each event topic's records, folded and stored by one actor per partition."""

from collections.abc import Iterable, Sequence
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
from infra.consumer.partition import Sink
from infra.measuring import Measured
from projections import checkpoints, store
from schemas.events import Event
from schemas.topics import EVENT_TOPICS
from streams.deadletters import DeadLetters
from streams.traced import traced

Readable = tuple[ConsumerRecord, Event]
log = structlog.get_logger(__name__)


class Morgue(Protocol):
    """Where dead letters go; `streams.deadletters.DeadLetters` is the real one."""

    def write(self, letters: Iterable[tuple[Any, Exception]]) -> None:
        """Write letters with what made them ones, and return once they are safe."""
        ...


class Projector:
    """Applies one partition to the projections; see `infra.consumer.partition.Sink`."""

    def __init__(
        self,
        place: TP,
        engine: Engine,
        codec: Codec,
        dead_letters: Morgue,
        *,
        quiet: bool = False,
    ) -> None:
        """A `quiet` projector fills a generation that is not live, and tells nobody."""
        self._place = place
        self._engine = engine
        self._codec = codec
        self._dead_letters = dead_letters
        self._apply = partial(store.apply, engine, place, quiet=quiet)

    def stored(self) -> int:
        """Look up this partition's checkpoint."""
        with self._engine.connect() as connection:
            return checkpoints.stored(connection, self._place, checkpoints.PROJECTIONS)

    def apply(self, records: Sequence[ConsumerRecord], expected: int, upto: int) -> None:
        """Apply what can be applied, after the rest stands in the dead letters."""
        readable: list[Readable] = []
        poison: list[tuple[ConsumerRecord, Exception]] = []
        for record in records:
            try:
                readable.append((record, self._codec.decode(self._place.topic, record.value)))
            except UndecodableError as error:
                poison.append((record, error))
        self._bury(poison)
        self._store(readable, expected, upto)

    def _store(self, readable: Sequence[Readable], expected: int, upto: int) -> None:
        try:
            self._apply(expected, upto, [event for _, event in readable])
            trail.applied(self._place, (event.id for _, event in readable))
        except (DataError, IntegrityError) as error:
            self._bisect(readable, expected, upto, error)

    def _bisect(
        self, readable: Sequence[Readable], expected: int, upto: int, error: Exception
    ) -> None:
        """Find the record that the database refuses, and bury that one alone."""
        if len(readable) == 1:
            self._bury([(readable[0][0], error)])
            self._apply(expected, upto, ())
            return
        half = len(readable) // 2
        middle = readable[half][0].offset
        self._store(readable[:half], expected, middle)
        self._store(readable[half:], middle, upto)

    def _bury(self, poison: list[tuple[ConsumerRecord, Exception]]) -> None:
        if poison:
            self._dead_letters.write(poison)
            for record, error in poison:
                log.warning(
                    "dead letter", topic=record.topic, partition=record.partition,
                    offset=record.offset, reason=str(error),
                )  # fmt: skip


def register(app: BatchedApp, engine: Engine, codec: Codec, dead_letters: DeadLetters) -> None:
    """Register one agent per event topic."""
    for topic in EVENT_TOPICS:
        consume(app, topic.name, partial(_sink, engine, codec, dead_letters))


def _sink(engine: Engine, codec: Codec, dead_letters: DeadLetters, place: TP) -> Sink:
    sink = Measured(Projector(place, engine, codec, dead_letters), place.topic)
    return traced(sink, place, engine, codec)
