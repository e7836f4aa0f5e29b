"""Reads, counts and follows the events of a query on the log."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import nlargest
from itertools import chain

from infra.kafka.codec import Codec, UndecodableError
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import LogRecord, OffsetRange, Progress, Ranges, follow, scan
from infra.operations.event_query.query import FoundEvent, Query
from infra.settings import Settings
from schemas.time.ahead import MAX_AHEAD
from schemas.time.instants import to_datetime
from schemas.topics import TopicPartition

FIRST_DEPTH = 200

_LABELS: Mapping[str, Callable[[FoundEvent], str]] = {
    "type": lambda decoded: decoded.type,
    "topic": lambda decoded: decoded.record.topic,
    "day": lambda decoded: to_datetime(decoded.time).date().isoformat(),
    "hour": lambda decoded: to_datetime(decoded.time).isoformat()[:13],
}


class EventReader:
    """Reads events from the log.

    Args:
        settings: The brokers.
        codec: Decodes them.
    """

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self._settings = settings
        self._codec = codec
        self._log = LogOffsets(settings)

    def ranges(self, query: Query) -> dict[TopicPartition, OffsetRange]:
        """The ranges of the log that can hold matching events."""
        partitions = self._log.partitions_of(query.topics_to_read)
        bounds = self._log.bounds(partitions)
        first = {partition: bound.first for partition, bound in bounds.items()}
        if query.since is not None:
            # Workers apply no event that was written longer than this before its own time.
            first = self._log.offset_at(partitions, (query.since - MAX_AHEAD) // 1000)
        return {
            partition: OffsetRange(max(first[partition], bound.first), bound.end)
            for partition, bound in bounds.items()
        }

    def events(
        self, query: Query, ranges: Ranges, progress: Progress = lambda _: None
    ) -> Iterator[FoundEvent]:
        """Matching events, in the order of each partition."""
        return self._matching(query, scan(self._settings, ranges, progress))

    def last(
        self, query: Query, number: int, ranges: Ranges, progress: Progress = lambda _: None
    ) -> list[FoundEvent]:
        """The newest matching events, oldest first; reads back only as far as it must.

        A partition is not read further back once its oldest record read is older than all events
        found. `progress` gets the offsets passed, from 0 for each step back.
        """
        newest: list[FoundEvent] = []
        unread, depth = dict(ranges) if number else {}, max(FIRST_DEPTH, number)
        while unread:
            tails = {partition: offsets.tail(depth) for partition, offsets in unread.items()}
            oldest_read: dict[TopicPartition, LogRecord] = {}
            records = _collect_first(scan(self._settings, tails, progress), oldest_read)
            candidates = chain(newest, self._matching(query, records))
            newest = nlargest(number, candidates, key=lambda decoded: _order(decoded.record))
            oldest_found = newest[-1].record if len(newest) == number else None
            unread = {
                partition: OffsetRange(offsets.first, tails[partition].first)
                for partition, offsets in unread.items()
                if offsets != tails[partition]
                and not _is_past(oldest_read.get(partition), oldest_found)
            }
            depth *= 10
        return newest[::-1]

    def follow(self, query: Query, ranges: Ranges) -> Iterator[FoundEvent]:
        """Matching events after these ranges, as they arrive."""
        starts = {partition: offsets.end for partition, offsets in ranges.items()}
        fetches = follow(self._settings, starts)
        return (decoded for records in fetches for decoded in self._matching(query, records))

    def count(self, query: Query, by: str, ranges: Ranges, progress: Progress) -> Counter[str]:
        """The number of matching events by `type`, `topic`, `day` or `hour` (UTC)."""
        label = _LABELS[by]
        return Counter(label(decoded) for decoded in self.events(query, ranges, progress))

    def at(self, topic: str, partition: int, offset: int) -> FoundEvent | None:
        """The event at one offset, or None where the log holds none."""
        topic_partition = (topic, partition)
        if topic_partition not in self._log.partitions_of([topic]):
            return None
        bound = self._log.bounds([topic_partition])[topic_partition]
        if not bound.first <= offset < bound.end:
            return None
        records = scan(self._settings, {topic_partition: OffsetRange(offset, offset + 1)})
        return next((self._decode(record) for record in records), None)

    def _matching(self, query: Query, records: Iterable[LogRecord]) -> Iterator[FoundEvent]:
        key = None if query.key is None else query.key.encode()
        for record in records:
            if key is None or record.key == key:
                decoded = self._decode(record)
                if query.matches(decoded):
                    yield decoded

    def _decode(self, record: LogRecord) -> FoundEvent:
        try:
            return FoundEvent(record, self._codec.decode(record.topic, record.value))
        except UndecodableError as error:
            return FoundEvent(record, None, str(error))


def _collect_first(
    records: Iterable[LogRecord], first: dict[TopicPartition, LogRecord]
) -> Iterator[LogRecord]:
    """Pass records through, and put the first of each partition into `first`."""
    for record in records:
        first.setdefault(record.topic_partition, record)
        yield record


def _order(record: LogRecord) -> tuple[int, str, int, int]:
    """The order of records across partitions, from old to new."""
    return record.timestamp, *record.topic_partition, record.offset


def _is_past(oldest_read: LogRecord | None, oldest_found: LogRecord | None) -> bool:
    """Whether nothing before `oldest_read` can be as new as `oldest_found`."""
    return (
        oldest_read is not None
        and oldest_found is not None
        and _order(oldest_read) <= _order(oldest_found)
    )
