"""Checkpoints: how far projections have read the log."""

from collections.abc import Iterable, Mapping, Sequence

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
