"""Waits until projections have applied the log up to given offsets."""

import time
from collections.abc import Callable
from typing import Protocol

from projections.read.checkpoints import Offsets
from schemas.topics import TopicPartition


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
