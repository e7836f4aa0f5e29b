"""Reads stretches of the log as they are: bounded, without a group, leaving no trace on it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaPartition

from infra.kafka.client import FEW_RECORDS, Properties, create_consumer
from infra.settings import Settings
from schemas.topics import TopicPartition

LARGEST_FETCH = 5_000
FETCH_SECONDS = 0.1
PATIENCE_SECONDS = 30.0
Progress = Callable[[int], None]


class LogRecord(NamedTuple):
    """A record as it stands on the log; `timestamp` in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def topic_partition(self) -> TopicPartition:
        """Its topic and partition."""
        return self.topic, self.partition

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class OffsetRange(NamedTuple):
    """Offsets of one partition from `first` up to, not including, `end`."""

    first: int
    end: int

    @property
    def length(self) -> int:
        """How many offsets lie in it."""
        return max(0, self.end - self.first)

    def tail(self, length: int) -> "OffsetRange":
        """The last offsets of it, at most so many."""
        return OffsetRange(max(self.first, self.end - length), self.end)


def scan(
    settings: Settings,
    spans: Mapping[TopicPartition, OffsetRange],
    progress: Progress = lambda _: None,
) -> Iterator[LogRecord]:
    """Read spans, each in its own order, several at a time; `progress` gets the offsets passed.

    Raises:
        KafkaException: the log does not hold a span, or nothing came for half a minute.
    """
    left = {place: span for place, span in spans.items() if span.length}
    total = sum(span.length for span in left.values())
    consumer = _consumer(settings, {place: span.first for place, span in left.items()})
    heard = time.monotonic()
    try:
        while left:
            messages = consumer.consume(LARGEST_FETCH, FETCH_SECONDS)
            for message in messages:
                place = _place(message)
                if place not in left:
                    continue
                offset = int(message.offset() or 0)
                if not _at_end(message) and offset < left[place].end:
                    yield _record(message)
                    left[place] = OffsetRange(offset + 1, left[place].end)
                if _at_end(message) or offset + 1 >= left[place].end:
                    del left[place]
                    consumer.pause([KafkaPartition(*place)])
            progress(total - sum(span.length for span in left.values()))
            heard = time.monotonic() if messages else heard
            if left and time.monotonic() - heard > PATIENCE_SECONDS:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "no record comes"))
    finally:
        consumer.close()


def follow(settings: Settings, starts: Mapping[TopicPartition, int]) -> Iterator[list[LogRecord]]:
    """Read on from these offsets for ever; gives what came meanwhile, often nothing."""
    consumer = _consumer(settings, starts)
    try:
        while True:
            messages = consumer.consume(LARGEST_FETCH, FETCH_SECONDS)
            yield [_record(message) for message in messages if not _at_end(message)]
    finally:
        consumer.close()


def first_records(
    settings: Settings, spans: Mapping[TopicPartition, OffsetRange], seconds: float = 2.0
) -> dict[TopicPartition, LogRecord | None]:
    """Read the first record of each span, as far as they come in time.

    A span in which nothing waits is left out: it is empty, or holds only marks of transactions and
    what these have not committed yet. `None` means that something may wait, but could not be read:
    it did not come in time, or the log begins only after the span does.

    Raises:
        KafkaException: the broker refuses.
    """
    found: dict[TopicPartition, LogRecord | None] = {
        at: None for at, span in spans.items() if span.length
    }
    if not found:
        return found
    starts = {place: spans[place].first for place in found}
    with closing(_consumer(settings, starts, FEW_RECORDS)) as consumer:
        for message in _heads(consumer, starts, seconds):
            place = _place(message)
            if _is_gone(message):
                continue
            if _at_end(message) or int(message.offset() or 0) >= spans[place].end:
                del found[place]
            else:
                found[place] = _record(message)
    return found


def ages(
    settings: Settings, spans: Mapping[TopicPartition, OffsetRange]
) -> dict[TopicPartition, float | None]:
    """How many seconds ago the first record of each span was written.

    Which places are left out, and which have `None`, is as in `firsts`.
    """
    now = time.time()
    return {
        place: None if record is None else max(0.0, now - record.timestamp / 1000)
        for place, record in first_records(settings, spans).items()
    }


def _heads(
    consumer: Consumer, places: Iterable[TopicPartition], seconds: float
) -> Iterator[Message]:
    """What comes first of each partition, be it an error, as far as it comes in time."""
    left, deadline = set(places), time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        for message in consumer.consume(LARGEST_FETCH, FETCH_SECONDS):
            if (place := _place(message)) in left:
                left.remove(place)
                consumer.pause([KafkaPartition(*place)])
                yield message


def _consumer(
    settings: Settings, starts: Mapping[TopicPartition, int], more: Properties | None = None
) -> Consumer:
    consumer = create_consumer(
        settings,
        {
            "enable.partition.eof": True,  # the end of a partition ends its range
            "check.crcs": True,  # a damaged record is an error, not an answer
            "queued.max.messages.kbytes": 32_768,  # memory: librdkafka's own limit is twice that
            **(more or {}),
        },
    )
    consumer.assign([KafkaPartition(*place, at) for place, at in starts.items()])
    return consumer


def _place(message: Message) -> TopicPartition:
    return str(message.topic()), int(message.partition() or 0)


def _is_gone(message: Message) -> bool:
    """Whether this says that the log does not hold the offset from which it was to be read."""
    error = message.error()
    return error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET


def _at_end(message: Message) -> bool:
    """Whether this says that the partition has nothing more; any other error is raised."""
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    raise KafkaException(error)


def _record(message: Message) -> LogRecord:
    headers = message.headers() or ()
    pairs = headers.items() if isinstance(headers, dict) else headers
    return LogRecord(
        str(message.topic()),
        int(message.partition() or 0),
        int(message.offset() or 0),
        message.timestamp()[1],
        message.key(),
        message.value(),
        tuple((name, _bytes(value)) for name, value in pairs),
    )


def _bytes(value: object) -> bytes | None:
    return value.encode() if isinstance(value, str) else value  # type: ignore[return-value]
