"""Checkpoints: the next offset of each partition, moved in the transaction that applies records."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from infra.consumer.protocols import CheckpointMismatch, LogMismatchError
from infra.kafka.offsets import Bounds
from infra.postgres.statement_pipeline import Statements
from schemas.topics import TopicPartition

_FIND = """
select topic, partition, topic_id, next_offset from checkpoints
where (topic, partition) in (select * from unnest(%(topics)s::text[], %(partitions)s::int[]))
"""
_BEGIN = """
insert into checkpoints (topic, partition, topic_id, next_offset)
select * from unnest(
    %(topics)s::text[], %(partitions)s::int[], %(ids)s::text[], %(offsets)s::bigint[])
on conflict (topic, partition) do nothing
"""

# Rows are locked in one order, so that two consumers never deadlock.
_MOVE = """
with locked as (
    select topic, partition, move.upto, move.latest
    from checkpoints as checkpoint join unnest(
        %(topics)s::text[], %(partitions)s::int[], %(expected)s::bigint[], %(upto)s::bigint[],
        %(latest)s::bigint[]) as move(topic, partition, expected, upto, latest)
        using (topic, partition)
    where next_offset = move.expected
    order by topic, partition for update of checkpoint
)
update checkpoints as checkpoint
set next_offset = locked.upto, latest = greatest(checkpoint.latest, locked.latest)
from locked
where checkpoint.topic = locked.topic and checkpoint.partition = locked.partition
returning checkpoint.next_offset
"""
_STORED = """
select next_offset from checkpoints where topic = %(topic)s and partition = %(partition)s
"""


class CheckpointMove(NamedTuple):
    """A move of one checkpoint.

    Attributes:
        partition: Topic and partition.
        expected: The offset that the checkpoint must have.
        upto: Its offset afterwards.
        latest: The greatest time among the events in between, in microseconds. A maximum, so the
            order of events does not matter.
    """

    partition: TopicPartition
    expected: int
    upto: int
    latest: int | None = None


def move(connection: Statements, moves: Sequence[CheckpointMove]) -> Callable[[], None]:
    """Move checkpoints by compare-and-set, as part of the transaction that they fence.

    Args:
        connection: In that transaction.
        moves: The moves; all of them are made, or none.

    Returns:
        A function to call before the transaction is committed. It raises `CheckpointMismatch` when
        a checkpoint is not at the expected offset. The mismatch carries the offset of the first
        partition, whichever of them it concerns.
    """
    rows = {
        **_columns([move.partition for move in moves]),
        "expected": [move.expected for move in moves],
        "upto": [move.upto for move in moves],
        "latest": [move.latest for move in moves],
    }
    moved = connection.exec_driver_sql(_MOVE, rows)

    def require() -> None:
        if len(moved.all()) != len(moves):
            raise CheckpointMismatch(stored(connection, moves[0].partition))

    return require


def stored(connection: Statements, partition: TopicPartition) -> int:
    """Look up the offset of the first record of a partition that is not applied."""
    row = {"topic": partition[0], "partition": partition[1]}
    ((offset,),) = connection.exec_driver_sql(_STORED, row).all()
    return int(offset)


class LogBounds(Protocol):
    """Knows the bounds of partitions; `infra.kafka.offsets.LogOffsets` is the real one."""

    def bounds(self, partitions: Iterable[TopicPartition], /) -> Mapping[TopicPartition, Bounds]:
        """Topic id, first offset and end of each partition."""
        ...

    def has_records(self, partition: TopicPartition, begin: int, end: int, /) -> bool:
        """Whether there is any record from offset `begin` up to, not including, `end`."""
        ...


class DatabaseCheckpoints:
    """The checkpoints of the generation that the engine sees."""

    def __init__(self, engine: Engine, log: LogBounds) -> None:
        self._engine = engine
        self._log = log

    def load(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Look up where to start; a partition without a checkpoint gets one at 0.

        Raises:
            LogMismatchError: a topic was made anew, or a checkpoint lies outside its log.
        """
        wanted = list(partitions)
        # Read before the broker is asked: a log only grows, so these offsets cannot lie behind the
        # end that the broker gives, even when another owner applies records meanwhile.
        rows = self._rows(wanted)
        bounds = self._log.bounds(wanted)
        unread = {each: bounds[each] for each in wanted if each not in rows}
        self._begin(unread)
        rows |= {each: (bound.topic_id, 0) for each, bound in unread.items()}
        _require_fit(rows, bounds)
        return {each: offset for each, (_, offset) in rows.items()}

    def stored(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Look up offsets alone, without asking the broker."""
        return {each: offset for each, (_, offset) in self._rows(list(partitions)).items()}

    def verify(self, partitions: Iterable[TopicPartition]) -> None:
        """Check that the log is still the one that was read so far.

        Raises:
            LogMismatchError: a topic was made anew, or a checkpoint lies outside its log.
        """
        if rows := self._rows(list(partitions)):
            _require_fit(rows, self._log.bounds(rows))

    def has_records(self, partition: TopicPartition, begin: int, end: int) -> bool:
        """Whether the log holds any record from offset `begin` up to, not including, `end`."""
        return self._log.has_records(partition, begin, end)

    def _rows(self, partitions: list[TopicPartition]) -> dict[TopicPartition, tuple[str, int]]:
        with self._engine.begin() as connection:
            rows = connection.exec_driver_sql(_FIND, _columns(partitions))
            return {(row.topic, row.partition): (row.topic_id, row.next_offset) for row in rows}

    def _begin(self, bounds: Mapping[TopicPartition, Bounds]) -> None:
        """Insert checkpoints at 0; leave those that exist."""
        rows = {
            **_columns(list(bounds)),
            "ids": [bound.topic_id for bound in bounds.values()],
            "offsets": [0] * len(bounds),
        }
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_BEGIN, rows)


def _columns(partitions: Sequence[TopicPartition]) -> dict[str, list[str] | list[int]]:
    return {
        "topics": [topic for topic, _ in partitions],
        "partitions": [number for _, number in partitions],
    }


def _require_fit(
    rows: Mapping[TopicPartition, tuple[str, int]], bounds: Mapping[TopicPartition, Bounds]
) -> None:
    for partition, (topic_id, offset) in rows.items():
        _require_same_topic(partition, topic_id, bounds[partition].topic_id)
        _require_within(partition, offset, bounds[partition])


def _require_same_topic(partition: TopicPartition, before: str, now: str) -> None:
    if before != now:
        raise LogMismatchError(
            f"{partition[0]}/{partition[1]} was made anew since it was read (topic id {now}, was "
            f"{before}); restore the topic, or rebuild the projections from the new one"
        )


def _require_within(partition: TopicPartition, offset: int, bounds: Bounds) -> None:
    if not bounds.first <= offset <= bounds.end:
        raise LogMismatchError(
            f"{partition[0]}/{partition[1]} was applied up to offset {offset}, but its log holds "
            f"{bounds.first} to {bounds.end}; restore the topic, or rebuild the projections from it"
        )
