"""Finds transactions that stay open: no consumer of committed records reads past one."""

from collections.abc import Mapping

import msgspec

from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import OffsetRange, ages
from infra.settings import Settings
from schemas.topics import TopicPartition


class OpenTransaction(msgspec.Struct, frozen=True):
    """The oldest open transaction of a partition.

    Attributes:
        topic_partition: Topic and partition.
        offset: Of its first record, at which every consumer of committed records stops.
        seconds: Age of that record; None where it could not be read in time.
    """

    topic_partition: TopicPartition
    offset: int
    seconds: float | None

    @property
    def partition_name(self) -> str:
        """Topic and partition in one word."""
        topic, partition = self.topic_partition
        return f"{topic}/{partition}"

    @property
    def duration(self) -> str:
        """How long it has been open, in words."""
        return "an unknown time" if self.seconds is None else f"{self.seconds:.0f} s"

    def lasts(self, seconds: float) -> bool:
        """Whether it has been open for so long; an unknown age counts as long."""
        return self.seconds is None or self.seconds >= seconds


def find_open_transactions(
    settings: Settings, log: LogOffsets, ends: Mapping[TopicPartition, int]
) -> tuple[OpenTransaction, ...]:
    """Find the oldest open transaction of each partition; markers alone are none.

    Args:
        settings: The brokers.
        log: Their offsets.
        ends: Of the partitions. They are read before this call: what is committed meanwhile then
            looks like no open transaction.

    Raises:
        KafkaException: the broker does not answer.
    """
    stable = log.stable_ends(ends)
    ranges = {at: OffsetRange(stable[at], end) for at, end in ends.items() if stable[at] < end}
    unread = ages(settings, ranges, committed=False) if ranges else {}
    return tuple(OpenTransaction(at, ranges[at].first, age) for at, age in unread.items())
