"""How far projections have read the log, and waiting until the live ones have read further."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
from sqlalchemy import Connection, text

from schemas.topics import TopicPartition

Offsets = Mapping[TopicPartition, int]
_CHECKPOINTS = "select topic, partition, topic_id, next_offset from {}checkpoints"

_LATEST = 'select topic, partition, latest from "{}".checkpoints where latest > :after'


class Checkpoint(msgspec.Struct, frozen=True):
    """The offset up to which a generation has applied a partition of the topic `topic_id`."""

    generation: str
    topic_partition: TopicPartition
    topic_id: str
    offset: int

    def __str__(self) -> str:
        topic, partition = self.topic_partition
        return f"{topic}/{partition} of {self.generation}"


def read_checkpoints(connection: Connection, generations: Iterable[str]) -> tuple[Checkpoint, ...]:
    """Read every checkpoint of these generations."""
    return tuple(
        Checkpoint(name, (row.topic, row.partition), row.topic_id, row.next_offset)
        for name in generations
        for row in connection.execute(text(_CHECKPOINTS.format(f'"{name}".')))
    )


def read_offsets(connection: Connection, generation: str) -> dict[TopicPartition, int]:
    """Read the offset of the first record that a generation has not applied, by partition."""
    return {row.topic_partition: row.offset for row in read_checkpoints(connection, [generation])}


def read_applied_offsets(
    connection: Connection, topics: Sequence[str]
) -> dict[TopicPartition, int]:
    """Read the same of these topics, for the generation that the connection sees."""
    query = text(_CHECKPOINTS.format("") + " where topic = any(:topics)")
    rows = connection.execute(query, {"topics": list(topics)})
    return {(row.topic, row.partition): row.next_offset for row in rows}


def read_latest_times(
    connection: Connection, generation: str, after: int
) -> dict[TopicPartition, int]:
    """Read the greatest applied event time of each partition that has applied one after `after`.

    Times are in microseconds since 1970.
    """
    rows = connection.execute(text(_LATEST.format(generation)), {"after": after})
    return {(row.topic, row.partition): row.latest for row in rows}


class RecordFinder(Protocol):
    """Knows which offsets are records; `infra.kafka.offsets.LogOffsets` is the real one."""

    def has_records(self, partition: TopicPartition, begin: int, end: int, /) -> bool:
        """Whether the log holds any record from offset `begin` up to, not including, `end`."""
        ...


def wait_until_applied(
    ends: Offsets,
    applied: Callable[[], Offsets],
    log: RecordFinder,
    pause: Callable[[Offsets], object],
    marker_seconds: float,
) -> None:
    """Return once every partition is applied up to, not including, its end.

    The last offsets of a partition may be markers of transactions. They are no records, so no
    checkpoint ever moves past them: the log is asked what is left once no partition that is behind
    has moved for a while.

    Args:
        ends: Offset to reach, by partition.
        applied: Looks up the first offset that is not applied, by partition; 0 where it has none.
        log: Tells records from markers.
        pause: Called before each further look-up with the partitions that are behind and their
            offsets. Raises to end the wait.
        marker_seconds: Time without movement after which the log is asked.
    """
    behind: Offsets = {}
    moved = time.monotonic()
    while latest := _behind(applied(), ends):
        if latest != behind:
            behind, moved = latest, time.monotonic()
        elif time.monotonic() - moved > marker_seconds:
            if not any(log.has_records(each, at, ends[each]) for each, at in behind.items()):
                return
            moved = time.monotonic()
        pause(behind)


def _behind(applied: Offsets, ends: Offsets) -> Offsets:
    offsets = {partition: applied.get(partition, 0) for partition in ends}
    return {partition: at for partition, at in offsets.items() if at < ends[partition]}
