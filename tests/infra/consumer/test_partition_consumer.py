"""A partition between a consumer that seeks and stutters and a store that keeps the offset."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import pytest

from infra.consumer.group_commit import GroupCommitter
from infra.consumer.partition_consumer import (
    BatchSteps,
    PartitionConsumer,
)
from infra.consumer.protocols import CheckpointMismatch, Record


class ARecord(NamedTuple):
    offset: int
    timestamp: int = 0
    key: bytes | None = None


class FakeSink:
    """A store in memory, with its compare-and-set, and faults that a test puts before it.

    Attributes:
        next: The checkpoint.
        batches: Each applied batch, as its offsets.
        attempts: Every call of `apply`: expected, upto, offsets.
        faults: What the next calls do instead: raise before, or (`lost`) after they applied.
    """

    def __init__(self, next: int = 0) -> None:  # noqa: A002
        self.next = next
        self.batches: list[list[int]] = []
        self.attempts: list[tuple[int, int, list[int]]] = []
        self.faults: list[Exception] = []
        self.asked = 0

    def stored(self) -> int:
        self.asked += 1
        return self.next

    def apply(self, records: Sequence[Record], expected: int, upto: int) -> BatchSteps[object]:
        yield from ()
        offsets = [record.offset for record in records]
        self.attempts.append((expected, upto, offsets))
        fault = self.faults.pop(0) if self.faults else None
        if fault and not isinstance(fault, LostAnswerError):
            raise fault
        if expected != self.next:
            raise CheckpointMismatch(self.next)
        self.batches.append(offsets)
        self.next = upto
        if fault:
            raise fault


class LostAnswerError(Exception):
    """The transaction was committed, but nobody heard."""


class World:
    """A partition with its sink, and a log of where it seeked."""

    def __init__(
        self, checkpoint: int = 0, *, gaps: bool = False, sink: FakeSink | None = None
    ) -> None:
        self.sink = sink or FakeSink(checkpoint)
        self.seeks: list[int] = []
        self.markers: set[int] = set()
        self.partition = PartitionConsumer(
            "votes/0",
            self.sink,
            GroupCommitter(lambda _: None),
            self._seek,
            self._holds,
            gaps=gaps,
            first_pause=0,
        )

    def _holds(self, begin: int, end: int) -> bool:
        return not set(range(begin, end)) <= self.markers

    async def _seek(self, offset: int) -> None:
        self.seeks.append(offset)

    def take(self, *batches: Sequence[int]) -> "World":
        async def all_of_them() -> None:
            for batch in batches:
                await self.partition.consume([ARecord(offset) for offset in batch])

        asyncio.run(all_of_them())
        return self


def test_batches_are_applied_in_order_and_move_the_checkpoint() -> None:
    world = World().take([0, 1, 2], [3, 4])
    assert world.sink.batches == [[0, 1, 2], [3, 4]]
    assert world.sink.next == 5
    assert world.seeks == []


def test_the_checkpoint_is_asked_for_once() -> None:
    assert World().take([0], [1], [2]).sink.asked == 1


def test_what_was_applied_already_is_trimmed() -> None:
    world = World(checkpoint=2).take([0, 1, 2, 3])
    assert world.sink.batches == [[2, 3]]


def test_a_batch_that_was_applied_already_is_dropped() -> None:
    world = World(checkpoint=9).take([0, 1, 2], [3, 4], [7, 8, 9])
    assert world.sink.batches == [[9]]
    assert world.seeks == []


def test_records_that_come_twice_are_applied_once() -> None:
    world = World().take([0, 1, 2], [0, 1, 2], [1, 2, 3])
    assert world.sink.batches == [[0, 1, 2], [3]]


def test_behind_a_gap_nothing_is_applied_and_the_missing_is_fetched() -> None:
    world = World(checkpoint=5).take([7, 8])
    assert world.sink.batches == []
    assert world.seeks == [5]
    assert world.take([5, 6, 7, 8]).sink.batches == [[5, 6, 7, 8]]


def test_every_batch_that_waited_behind_a_gap_is_given_up_too() -> None:
    world = World(checkpoint=5).take([7, 8], [9])
    assert world.sink.batches == []
    assert world.seeks == [5, 5]


def test_offsets_that_a_transaction_took_for_its_markers_are_passed_over() -> None:
    world = World(checkpoint=5)
    world.markers = {6, 9, 10}
    world.take([5, 7, 8, 11], [12])
    assert world.sink.batches == [[5], [7, 8], [11], [12]]
    assert world.sink.next == 13
    assert world.seeks == []


def test_behind_a_gap_inside_a_batch_nothing_is_applied_either() -> None:
    world = World().take([0, 1, 4, 5])
    assert world.sink.batches == [[0, 1]]
    assert world.seeks == [2]
    assert world.take([2, 3, 4, 5]).sink.batches == [[0, 1], [2, 3, 4, 5]]


def test_on_a_compacted_topic_a_gap_is_no_fault() -> None:
    world = World(checkpoint=5, gaps=True).take([7, 9], [12])
    assert world.sink.batches == [[7, 9], [12]]
    assert world.sink.next == 13
    assert world.seeks == []


def test_somebody_else_who_moved_the_checkpoint_ahead_is_followed() -> None:
    world = World().take([0, 1])
    world.sink.next = 4
    world.take([2, 3, 4, 5])
    assert world.sink.batches == [[0, 1], [4, 5]]


def test_somebody_else_who_applied_all_of_it_leaves_nothing_to_do() -> None:
    world = World().take([0, 1])
    world.sink.next = 9
    world.take([2, 3])
    assert world.sink.batches == [[0, 1]]
    assert world.seeks == []
    assert world.take([9]).sink.batches == [[0, 1], [9]]


def test_a_checkpoint_that_was_put_back_is_followed_too() -> None:
    world = World().take([0, 1, 2])
    world.sink.next = 1
    world.take([3])
    assert world.seeks == [1]
    assert world.take([1, 2, 3]).sink.batches == [[0, 1, 2], [1, 2, 3]]


def test_the_answer_to_a_commit_may_be_lost_and_the_batch_is_still_applied_once() -> None:
    world = World()
    world.sink.faults = [LostAnswerError()]
    world.take([0, 1], [2])
    assert world.sink.batches == [[0, 1], [2]]
    assert world.sink.next == 3


def test_a_database_that_is_away_is_waited_for_with_the_same_batch() -> None:
    world = World()
    world.sink.faults = [ConnectionError(), TimeoutError(), OSError("disk full")]
    world.take([0, 1], [2])
    assert world.sink.attempts[:4] == [(0, 2, [0, 1])] * 4
    assert world.sink.batches == [[0, 1], [2]]


def test_a_checkpoint_that_cannot_be_read_is_asked_for_again() -> None:
    class Away(FakeSink):
        def stored(self) -> int:
            if super().stored() == 0 and self.asked < 3:
                raise ConnectionError
            return self.next

    world = World(sink=Away()).take([0])
    assert world.sink.batches == [[0]]
    assert world.sink.asked == 3


def test_a_partial_success_is_gone_on_from() -> None:
    class Halving(FakeSink):
        """Applies the first half, then fails once, as a bisection can."""

        def apply(self, records: Sequence[Record], expected: int, upto: int) -> BatchSteps[object]:
            if not self.attempts:
                yield from super().apply(records[:2], expected, records[2].offset)
                raise ConnectionError
            yield from super().apply(records, expected, upto)

    world = World(sink=Halving()).take([0, 1, 2, 3])
    assert world.sink.batches == [[0, 1], [2, 3]]


def test_nothing_else_is_taken_while_the_store_is_away() -> None:
    async def scene() -> None:
        world = World()
        world.sink.faults = [ConnectionError()] * 50
        first = asyncio.create_task(world.partition.consume([ARecord(0)]))
        while len(world.sink.attempts) < 10:
            await asyncio.sleep(0)
        assert world.sink.batches == []
        await first
        assert world.sink.batches == [[0]]

    asyncio.run(scene())


@pytest.mark.parametrize("seed", range(50))
def test_whatever_the_consumer_and_the_store_do_every_record_is_applied_once_and_in_order(
    seed: int,
) -> None:
    chance, end = Random(seed), 60
    world = World()

    async def scene() -> None:
        position = 0
        while world.sink.next < end:
            if chance.random() < 0.2:  # a rebalance, which may read an old checkpoint
                position = chance.randint(0, world.sink.next)
            if chance.random() < 0.1:  # chunks that were dropped on the way
                position = min(end - 1, position + chance.randint(0, 5))
            if chance.random() < 0.3:
                fault = chance.choice([ConnectionError(), LostAnswerError()])
                world.sink.faults = [fault] * chance.randint(1, 3)
            if position >= end:
                position = chance.randint(0, world.sink.next)
            upto = min(end, position + chance.randint(1, 8))
            await world.partition.consume([ARecord(offset) for offset in range(position, upto)])
            position = world.seeks.pop() if world.seeks else upto

    asyncio.run(scene())
    assert [offset for batch in world.sink.batches for offset in batch] == list(range(end))
