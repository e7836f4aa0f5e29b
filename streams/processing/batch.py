"""A batch in two phases: records are prepared, then committed.

Between the phases the records that cannot be used become dead letters: those that cannot be
decoded, and those whose event is dated too far ahead. So the checkpoint never moves past a record
that is neither applied nor a dead letter.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from aiokafka.structs import ConsumerRecord

from infra.consumer.protocols import Applied, Mismatch, Outcome, Refused, Settled
from infra.kafka.codec import Codec, UndecodableError
from projections.write.store import Batch
from schemas.events import Event
from schemas.time.ahead import is_too_far_ahead
from schemas.time.instants import rfc3339
from schemas.topics import TopicPartition
from streams.deadletters.producer import AheadOfTimeError

Failure = tuple[ConsumerRecord, Exception]
"""A record that can never be applied, and the reason."""
Commit = Callable[[Sequence[Batch]], list[Outcome]]
"""See `projections.write.store.commit`."""


class PreparedBatch(NamedTuple):
    """Decoded records of one partition from offset `expected` up to, not including, `upto`."""

    partition: TopicPartition
    expected: int
    upto: int
    records: Sequence[ConsumerRecord]
    events: Sequence[Event]
    """The event of each record."""
    unusable: Sequence[Failure] = ()
    """Further records of the same offsets."""

    def to_store(self) -> Batch:
        """The batch as the store takes it."""
        return Batch(self.partition, self.expected, self.upto, self.events)

    def without_events(self) -> "PreparedBatch":
        """A batch that moves the checkpoint alone."""
        return self._replace(records=(), events=())

    def halves(self) -> "tuple[PreparedBatch, PreparedBatch]":
        """Two batches, the first up to the record in the middle."""
        half = len(self.records) // 2
        middle = self.records[half].offset
        return (
            self._replace(upto=middle, records=self.records[:half], events=self.events[:half]),
            self._replace(expected=middle, records=self.records[half:], events=self.events[half:]),
        )


def prepare(
    codec: Codec,
    partition: TopicPartition,
    records: Sequence[ConsumerRecord],
    expected: int,
    upto: int,
) -> PreparedBatch:
    """Decode records; keep those apart that cannot be used."""
    unusable: list[Failure] = []
    try:
        events = [codec.decode(partition[0], record.value) for record in records]
    except UndecodableError:
        records, events, unusable = _decode_each(codec, partition[0], records)
    pairs = zip(events, records, strict=True)
    if any(is_too_far_ahead(event.time, record.timestamp) for event, record in pairs):
        records, events = _set_ahead_apart(records, events, unusable)
    return PreparedBatch(partition, expected, upto, records, events, unusable)


def _decode_each(
    codec: Codec, topic: str, records: Sequence[ConsumerRecord]
) -> tuple[list[ConsumerRecord], list[Event], list[Failure]]:
    decoded: list[ConsumerRecord] = []
    events: list[Event] = []
    undecodable: list[Failure] = []
    for record in records:
        try:
            events.append(codec.decode(topic, record.value))
            decoded.append(record)
        except UndecodableError as error:
            undecodable.append((record, error))
    return decoded, events, undecodable


def _set_ahead_apart(
    records: Sequence[ConsumerRecord], events: Sequence[Event], unusable: list[Failure]
) -> tuple[list[ConsumerRecord], list[Event]]:
    """Move records whose event is dated too far ahead to the unusable ones, in order of offsets."""
    timely = []
    for record, event in zip(records, events, strict=True):
        if is_too_far_ahead(event.time, record.timestamp):
            unusable.append((record, _ahead_error(event, record)))
        else:
            timely.append((record, event))
    unusable.sort(key=lambda failure: failure[0].offset)
    return [record for record, _ in timely], [event for _, event in timely]


def _ahead_error(event: Event, record: ConsumerRecord) -> AheadOfTimeError:
    written = rfc3339(record.timestamp * 1000)
    return AheadOfTimeError(
        f"event {event.id!r} is dated {rfc3339(event.time)}, more than 5 minutes after its record "
        f"({written})"
    )


def commit_in_halves(
    batch: PreparedBatch, commit: Commit, write_dead_letters: Callable[[Sequence[Failure]], None]
) -> Settled:
    """Commit a batch; halve what the database refuses until single records are left.

    Each such record becomes a dead letter, then the checkpoint moves past it.

    Raises:
        Exception: what `commit` or `write_dead_letters` raised; some of the records may be applied.
    """
    parts = [batch]
    while parts:
        part = parts.pop()
        (outcome,) = commit([part.to_store()])
        if isinstance(outcome, Mismatch):
            return outcome
        if isinstance(outcome, Refused):
            if len(part.records) > 1:
                parts += reversed(part.halves())
            else:
                write_dead_letters([(part.records[0], outcome.error)])
                parts.append(part.without_events())
    return Applied()


class DeadLetterSink(Protocol):
    """Writes dead letters; `streams.deadletters.producer.DeadLetterProducer` is the real one."""

    def write(self, failures: Iterable[tuple[Any, Exception]], /) -> None:
        """Write records with their errors; return once the broker holds them."""
        ...


class DeadLettersOnce:
    """Writes each record of a batch once, however often the batch is retried."""

    def __init__(self, sink: DeadLetterSink) -> None:
        self._sink = sink
        self._written: set[int] = set()

    def write(self, failures: Iterable[Failure]) -> None:
        """Write the records that were not written yet."""
        new = [failure for failure in failures if failure[0].offset not in self._written]
        if new:
            self._sink.write(new)
            self._written |= {record.offset for record, _ in new}

    def forget(self) -> None:
        """Forget the records: their batch is applied."""
        self._written.clear()
