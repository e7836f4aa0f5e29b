"""How far the live projections have read the log, and waiting until they have read further."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection, func, select

from projections import tables
from schemas.topics import TopicPartition

Offsets = Mapping[TopicPartition, int]


def read_applied_offsets(
    connection: Connection, topics: Sequence[str]
) -> dict[TopicPartition, int]:
    """Read the offset of the first record that is not applied yet, by partition."""
    query = select(tables.checkpoints).where(tables.checkpoints.c.topic == func.any(list(topics)))
    return {(row.topic, row.partition): row.next_offset for row in connection.execute(query)}


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
