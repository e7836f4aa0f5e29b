"""How far the live projections have read the log."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from projections import tables
from schemas.topics import TopicPartition


def read_applied_offsets(
    connection: Connection, topics: Sequence[str]
) -> dict[TopicPartition, int]:
    """Read the offset of the first record that is not applied yet, by partition."""
    query = select(tables.checkpoints).where(tables.checkpoints.c.topic == func.any(list(topics)))
    return {(row.topic, row.partition): row.next_offset for row in connection.execute(query)}
