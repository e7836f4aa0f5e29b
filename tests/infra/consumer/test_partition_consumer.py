"""A partition between a consumer that seeks and stutters and a store that keeps the offset."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import pytest

from infra.consumer.partition_consumer import PartitionConsumer
from infra.consumer.protocols import Applied, Mismatch, Record, Settled


class ARecord(NamedTuple):
    offset: int
    timestamp: int = 0
    key: bytes | None = None


class FakeStore:
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

    async def apply(self, records: Sequence[Record], expected: int, upto: int) -> Settled:
        offsets = [record.offset for record in records]
        self.attempts.append((expected, upto, offsets))
        fault = self.faults.pop(0) if self.faults else None
        if fault and not isinstance(fault, LostAnswerError):
            raise fault
        if expected != self.next:
            return Mismatch(self.next)
        self.batches.append(offsets)
        self.next = upto
        if fault:
            raise fault
        return Applied()


class LostAnswerError(Exception):
    """The transaction was committed, but its answer was lost."""


class FakeSource:
    """A partition whose checkpoint is in a `FakeStore`.

    Attributes:
        seeks: The offsets that were sought.
        markers: Offsets without a record.
    """

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.seeks: list[int] = []
        self.markers: set[int] = set()

    async def checkpoint(self) -> int:
        return self._store.stored()

    async def has_records(self, begin: int, end: int) -> bool:
        return not set(range(begin, end)) <= self.markers

    async def seek(self, offset: int) -> None:
        self.seeks.append(offset)


class ConsumedPartition:
    """A consumer with its store, and the offsets that it sought."""

    def __init__(self, checkpoint: int = 0, store: FakeStore | None = None) -> None:
        self.store = store or FakeStore(checkpoint)
        self.source = FakeSource(self.store)
        self.seeks, self.markers = self.source.seeks, self.source.markers
        self.consumer = PartitionConsumer("votes/0", self.store.apply, self.source, first_pause=0)

    def take(self, *batches: Sequence[int]) -> "ConsumedPartition":
        async def all_of_them() -> None:
            for batch in batches:
                await self.consumer.consume([ARecord(offset) for offset in batch])

        asyncio.run(all_of_them())
        return self


def test_batches_are_applied_in_order_and_move_the_checkpoint() -> None:
    partition = ConsumedPartition().take([0, 1, 2], [3, 4])
    assert partition.store.batches == [[0, 1, 2], [3, 4]]
    assert partition.store.next == 5
    assert partition.seeks == []


def test_the_checkpoint_is_asked_for_once() -> None:
    assert ConsumedPartition().take([0], [1], [2]).store.asked == 1


def test_what_was_applied_already_is_trimmed() -> None:
    partition = ConsumedPartition(checkpoint=2).take([0, 1, 2, 3])
    assert partition.store.batches == [[2, 3]]


def test_a_batch_that_was_applied_already_is_dropped() -> None:
    partition = ConsumedPartition(checkpoint=9).take([0, 1, 2], [3, 4], [7, 8, 9])
    assert partition.store.batches == [[9]]
    assert partition.seeks == []


def test_records_that_come_twice_are_applied_once() -> None:
    partition = ConsumedPartition().take([0, 1, 2], [0, 1, 2], [1, 2, 3])
    assert partition.store.batches == [[0, 1, 2], [3]]


def test_behind_a_gap_nothing_is_applied_and_the_missing_is_fetched() -> None:
    partition = ConsumedPartition(checkpoint=5).take([7, 8])
    assert partition.store.batches == []
    assert partition.seeks == [5]
    assert partition.take([5, 6, 7, 8]).store.batches == [[5, 6, 7, 8]]


def test_every_batch_that_waited_behind_a_gap_is_given_up_too() -> None:
    partition = ConsumedPartition(checkpoint=5).take([7, 8], [9])
    assert partition.store.batches == []
    assert partition.seeks == [5, 5]


def test_offsets_that_a_transaction_took_for_its_markers_are_passed_over() -> None:
    partition = ConsumedPartition(checkpoint=5)
    partition.markers |= {6, 9, 10}
    partition.take([5, 7, 8, 11], [12])
    assert partition.store.batches == [[5], [7, 8], [11], [12]]
    assert partition.store.next == 13
    assert partition.seeks == []


def test_behind_a_gap_inside_a_batch_nothing_is_applied_either() -> None:
    partition = ConsumedPartition().take([0, 1, 4, 5])
    assert partition.store.batches == [[0, 1]]
    assert partition.seeks == [2]
    assert partition.take([2, 3, 4, 5]).store.batches == [[0, 1], [2, 3, 4, 5]]


def test_a_checkpoint_that_another_owner_moved_ahead_is_followed() -> None:
    partition = ConsumedPartition().take([0, 1])
    partition.store.next = 4
    partition.take([2, 3, 4, 5])
    assert partition.store.batches == [[0, 1], [4, 5]]


def test_another_owner_that_applied_all_of_it_leaves_nothing_to_do() -> None:
    partition = ConsumedPartition().take([0, 1])
    partition.store.next = 9
    partition.take([2, 3])
    assert partition.store.batches == [[0, 1]]
    assert partition.seeks == []
    assert partition.take([9]).store.batches == [[0, 1], [9]]


def test_a_checkpoint_that_was_put_back_is_followed_too() -> None:
    partition = ConsumedPartition().take([0, 1, 2])
    partition.store.next = 1
    partition.take([3])
    assert partition.seeks == [1]
    assert partition.take([1, 2, 3]).store.batches == [[0, 1, 2], [1, 2, 3]]


def test_the_answer_to_a_commit_may_be_lost_and_the_batch_is_still_applied_once() -> None:
    partition = ConsumedPartition()
    partition.store.faults = [LostAnswerError()]
    partition.take([0, 1], [2])
    assert partition.store.batches == [[0, 1], [2]]
    assert partition.store.next == 3


def test_a_database_that_is_away_is_waited_for_with_the_same_batch() -> None:
    partition = ConsumedPartition()
    partition.store.faults = [ConnectionError(), TimeoutError(), OSError("disk full")]
    partition.take([0, 1], [2])
    assert partition.store.attempts[:4] == [(0, 2, [0, 1])] * 4
    assert partition.store.batches == [[0, 1], [2]]


def test_a_checkpoint_that_cannot_be_read_is_asked_for_again() -> None:
    class Away(FakeStore):
        def stored(self) -> int:
            if super().stored() == 0 and self.asked < 3:
                raise ConnectionError
            return self.next

    partition = ConsumedPartition(store=Away()).take([0])
    assert partition.store.batches == [[0]]
    assert partition.store.asked == 3


def test_a_partial_success_is_gone_on_from() -> None:
    class Halving(FakeStore):
        """Applies the first half, then fails once, as a bisection can."""

        async def apply(self, records: Sequence[Record], expected: int, upto: int) -> Settled:
            if not self.attempts:
                await super().apply(records[:2], expected, records[2].offset)
                raise ConnectionError
            return await super().apply(records, expected, upto)

    partition = ConsumedPartition(store=Halving()).take([0, 1, 2, 3])
    assert partition.store.batches == [[0, 1], [2, 3]]


def test_nothing_else_is_taken_while_the_store_is_away() -> None:
    async def scene() -> None:
        partition = ConsumedPartition()
        partition.store.faults = [ConnectionError()] * 50
        first = asyncio.create_task(partition.consumer.consume([ARecord(0)]))
        while len(partition.store.attempts) < 10:
            await asyncio.sleep(0)
        assert partition.store.batches == []
        await first
        assert partition.store.batches == [[0]]

    asyncio.run(scene())


@pytest.mark.parametrize("seed", range(50))
def test_whatever_the_consumer_and_the_store_do_every_record_is_applied_once_and_in_order(
    seed: int,
) -> None:
    chance, end = Random(seed), 60
    partition = ConsumedPartition()

    async def scene() -> None:
        position = 0
        while partition.store.next < end:
            if chance.random() < 0.2:  # a rebalance, which may read an old checkpoint
                position = chance.randint(0, partition.store.next)
            if chance.random() < 0.1:  # chunks that were dropped on the way
                position = min(end - 1, position + chance.randint(0, 5))
            if chance.random() < 0.3:
                fault = chance.choice([ConnectionError(), LostAnswerError()])
                partition.store.faults = [fault] * chance.randint(1, 3)
            if position >= end:
                position = chance.randint(0, partition.store.next)
            upto = min(end, position + chance.randint(1, 8))
            await partition.consumer.consume([ARecord(offset) for offset in range(position, upto)])
            position = partition.seeks.pop() if partition.seeks else upto

    asyncio.run(scene())
    assert [offset for batch in partition.store.batches for offset in batch] == list(range(end))
