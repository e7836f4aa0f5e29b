"""Checkpoints: how far each partition was applied, in the same database as what was applied."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from infra.consumer.protocols import CheckpointMismatch, LogMismatchError
from infra.kafka.offsets import Bounds
from infra.postgres.pipeline import Statements
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

# Rows are locked in one order, so that two consumers never wait for each other in a circle.
_MOVE = """
with held as (
    select topic, partition, move.upto, move.latest
    from checkpoints as found join unnest(
        %(topics)s::text[], %(partitions)s::int[], %(expected)s::bigint[], %(upto)s::bigint[],
        %(latest)s::bigint[]) as move(topic, partition, expected, upto, latest)
        using (topic, partition)
    where next_offset = move.expected
    order by topic, partition for update of found
)
update checkpoints as found
set next_offset = held.upto, latest = greatest(found.latest, held.latest)
from held where found.topic = held.topic and found.partition = held.partition
returning found.next_offset
"""
_STORED = """
select next_offset from checkpoints where topic = %(topic)s and partition = %(partition)s
"""


class CheckpointMove(NamedTuple):
    """One checkpoint's way.

    Attributes:
        place: Topic and partition.
        expected: Where the checkpoint must stand.
        upto: Where it stands afterwards.
        latest: The greatest time among the events passed over, in microseconds. A maximum,
            so the order in which events come does not matter.
    """

    place: TopicPartition
    expected: int
    upto: int
    latest: int | None = None


def move(connection: Statements, moves: Sequence[CheckpointMove]) -> Callable[[], None]:
    """Move checkpoints by compare-and-set, as part of the transaction that they fence.

    Args:
        connection: In that transaction.
        moves: All of them, or none, are made.

    Returns:
        A function to call before the transaction is committed. It raises `CheckpointMismatch` when
        a checkpoint is not at the expected offset. The mismatch carries the offset of the first
        partition, whichever of them was elsewhere.
    """
    rows = {
        **_columns([move.place for move in moves]),
        "expected": [move.expected for move in moves],
        "upto": [move.upto for move in moves],
        "latest": [move.latest for move in moves],
    }
    moved = connection.exec_driver_sql(_MOVE, rows)

    def require() -> None:
        if len(moved.all()) != len(moves):
            raise CheckpointMismatch(stored(connection, moves[0].place))

    return require


def stored(connection: Statements, place: TopicPartition) -> int:
    """Look up the offset of the first record of a partition that was not applied yet."""
    row = {"topic": place[0], "partition": place[1]}
    ((offset,),) = connection.exec_driver_sql(_STORED, row).all()
    return int(offset)


class LogBounds(Protocol):
    """Knows topics and the extent of partitions; `infra.kafka.offsets.Log` is the real one."""

    def bounds(self, places: Iterable[TopicPartition]) -> Mapping[TopicPartition, Bounds]:
        """Identity, beginning and end of each partition."""
        ...

    def has_records(self, place: TopicPartition, begin: int, end: int) -> bool:
        """Whether there is any record from offset `begin` up to, not including, `end`."""
        ...


class DatabaseCheckpoints:
    """The checkpoints of the generation that the engine sees."""

    def __init__(self, engine: Engine, log: LogBounds) -> None:
        self._engine = engine
        self._log = log

    def load(self, places: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Look up where to start, after asking whether the log is still the same.

        Raises:
            LogMismatchError: a topic was made anew, or a checkpoint lies outside its log.
        """
        wanted = list(places)
        # Read before the broker is asked: a log only grows, so whatever another owner applies
        # meanwhile, what was read here cannot lie behind the end that the broker tells.
        found = self._rows(wanted)
        bounds = self._log.bounds(wanted)
        unread = {place: bounds[place] for place in wanted if place not in found}
        self._begin(unread)
        found |= {place: (bound.topic_id, 0) for place, bound in unread.items()}
        _require_fit(found, bounds)
        return {place: offset for place, (_, offset) in found.items()}

    def stored(self, places: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Look up offsets alone."""
        return {place: offset for place, (_, offset) in self._rows(list(places)).items()}

    def verify(self, places: Iterable[TopicPartition]) -> None:
        """Ask whether the log is still the one that was read so far.

        Raises:
            LogMismatchError: a topic was made anew, or a checkpoint lies outside its log.
        """
        if found := self._rows(list(places)):
            bounds = self._log.bounds(found)
            _require_fit(found, bounds)

    def has_records(self, place: TopicPartition, begin: int, end: int) -> bool:
        """Whether the log holds any record from offset `begin` up to, not including, `end`."""
        return self._log.has_records(place, begin, end)

    def _rows(self, places: list[TopicPartition]) -> dict[TopicPartition, tuple[str, int]]:
        with self._engine.begin() as connection:
            rows = connection.exec_driver_sql(_FIND, _columns(places))
            return {(row.topic, row.partition): (row.topic_id, row.next_offset) for row in rows}

    def _begin(self, bounds: Mapping[TopicPartition, Bounds]) -> None:
        """Start what was never read at its first record; leave the rest as it is."""
        rows = {
            **_columns(list(bounds)),
            "ids": [bound.topic_id for bound in bounds.values()],
            "offsets": [0] * len(bounds),
        }
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_BEGIN, rows)


def _columns(places: Sequence[TopicPartition]) -> dict[str, list[str] | list[int]]:
    return {
        "topics": [topic for topic, _ in places],
        "partitions": [number for _, number in places],
    }


def _require_fit(
    found: Mapping[TopicPartition, tuple[str, int]], bounds: Mapping[TopicPartition, Bounds]
) -> None:
    for place, (topic_id, offset) in found.items():
        _require_same_topic(place, topic_id, bounds[place].topic_id)
        _require_within(place, offset, bounds[place])


def _require_same_topic(place: TopicPartition, before: str, now: str) -> None:
    if before != now:
        raise LogMismatchError(
            f"{place[0]}/{place[1]} was made anew since it was read (topic id {now}, was "
            f"{before}); restore the topic, or rebuild the projections from the new one"
        )


def _require_within(place: TopicPartition, offset: int, bounds: Bounds) -> None:
    if not bounds.first <= offset <= bounds.end:
        raise LogMismatchError(
            f"{place[0]}/{place[1]} was applied up to offset {offset}, but its log holds "
            f"{bounds.first} to {bounds.end}; restore the topic, or rebuild the projections from it"
        )
