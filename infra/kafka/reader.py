"""Reads bounded ranges of the log without a consumer group, and leaves no trace on it."""

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
SILENT_SECONDS = 30.0
Progress = Callable[[int], None]


class LogRecord(NamedTuple):
    """A record of the log; `timestamp` in milliseconds since 1970."""

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
        """How many offsets it has."""
        return max(0, self.end - self.first)

    def tail(self, length: int) -> "OffsetRange":
        """Its last offsets, at most so many."""
        return OffsetRange(max(self.first, self.end - length), self.end)


Ranges = Mapping[TopicPartition, OffsetRange]


def scan(
    settings: Settings, ranges: Ranges, progress: Progress = lambda _: None
) -> Iterator[LogRecord]:
    """Read ranges, each in its own order, several at a time; `progress` gets the offsets passed.

    Raises:
        KafkaException: the log does not hold a range, or no record came for half a minute.
    """
    left = {partition: offsets for partition, offsets in ranges.items() if offsets.length}
    total = sum(offsets.length for offsets in left.values())
    consumer = _consumer(settings, {at: offsets.first for at, offsets in left.items()})
    received = time.monotonic()
    try:
        while left:
            messages = consumer.consume(LARGEST_FETCH, FETCH_SECONDS)
            for message in messages:
                partition = _partition(message)
                if partition not in left:
                    continue
                offset, end = int(message.offset() or 0), left[partition].end
                if not _at_end(message) and offset < end:
                    yield _record(message)
                    left[partition] = OffsetRange(offset + 1, end)
                if _at_end(message) or offset + 1 >= end:
                    del left[partition]
                    consumer.pause([KafkaPartition(*partition)])
            progress(total - sum(offsets.length for offsets in left.values()))
            received = time.monotonic() if messages else received
            if left and time.monotonic() - received > SILENT_SECONDS:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "no record comes"))
    finally:
        consumer.close()


def follow(settings: Settings, starts: Mapping[TopicPartition, int]) -> Iterator[list[LogRecord]]:
    """Read on from these offsets for ever; yields the records of each fetch, often none."""
    with closing(_consumer(settings, starts)) as consumer:
        while True:
            messages = consumer.consume(LARGEST_FETCH, FETCH_SECONDS)
            yield [_record(message) for message in messages if not _at_end(message)]


def first_records(
    settings: Settings, ranges: Ranges, seconds: float = 2.0, *, committed: bool = True
) -> dict[TopicPartition, LogRecord | None]:
    """Read the first record of each range, as far as they come in time.

    A range without a record is left out: it is empty, or holds only markers of transactions and,
    where `committed` ones alone are read, records that are not committed yet. `None` means that
    there may be a record that could not be read: it did not come in time, or the log begins only
    after the range does.

    Raises:
        KafkaException: the broker refuses.
    """
    starts = {at: offsets.first for at, offsets in ranges.items() if offsets.length}
    records: dict[TopicPartition, LogRecord | None] = dict.fromkeys(starts)
    if not starts:
        return records
    isolation = "read_committed" if committed else "read_uncommitted"
    overrides = {**FEW_RECORDS, "isolation.level": isolation}
    with closing(_consumer(settings, starts, overrides)) as consumer:
        for message in _first_messages(consumer, starts, seconds):
            partition = _partition(message)
            if _is_gone(message):
                continue
            if _at_end(message) or int(message.offset() or 0) >= ranges[partition].end:
                del records[partition]
            else:
                records[partition] = _record(message)
    return records


def ages(
    settings: Settings, ranges: Ranges, *, committed: bool = True
) -> dict[TopicPartition, float | None]:
    """The age in seconds of the first record of each range; left out and None as `first_records`.

    Raises:
        KafkaException: the broker refuses.
    """
    now = time.time()
    return {
        partition: None if record is None else max(0.0, now - record.timestamp / 1000)
        for partition, record in first_records(settings, ranges, committed=committed).items()
    }


def _first_messages(
    consumer: Consumer, partitions: Iterable[TopicPartition], seconds: float
) -> Iterator[Message]:
    """The first message of each partition, also an error, as far as they come in time."""
    left, deadline = set(partitions), time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        for message in consumer.consume(LARGEST_FETCH, FETCH_SECONDS):
            if (partition := _partition(message)) in left:
                left.remove(partition)
                consumer.pause([KafkaPartition(*partition)])
                yield message


def _consumer(
    settings: Settings,
    starts: Mapping[TopicPartition, int],
    overrides: Properties | None = None,
) -> Consumer:
    consumer = create_consumer(
        settings,
        {
            "enable.partition.eof": True,  # the end of a partition ends its range
            "check.crcs": True,  # a damaged record is an error, not an answer
            "queued.max.messages.kbytes": 32_768,  # memory: librdkafka's own limit is twice that
            **(overrides or {}),
        },
    )
    consumer.assign([KafkaPartition(*partition, at) for partition, at in starts.items()])
    return consumer


def _partition(message: Message) -> TopicPartition:
    return str(message.topic()), int(message.partition() or 0)


def _is_gone(message: Message) -> bool:
    """Whether the log does not hold the offset at which reading was to start."""
    error = message.error()
    return error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET


def _at_end(message: Message) -> bool:
    """Whether the partition has nothing more; any other error is raised."""
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
