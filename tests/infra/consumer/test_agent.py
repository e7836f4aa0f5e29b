from collections import deque
from types import SimpleNamespace
from typing import Any

from infra.consumer.agent import LARGEST_BATCH, batches, drain


class FakeQueue:
    """Faust's bounded queue, as far as draining looks at it."""

    def __init__(self, *chunks: list[int]) -> None:
        self.waiting = deque(SimpleNamespace(value=chunk) for chunk in chunks)

    def qsize(self) -> int:
        return len(self.waiting)

    def get_nowait(self) -> Any:
        return self.waiting.popleft()


def a_stream(*chunks: list[int]) -> Any:
    return SimpleNamespace(channel=SimpleNamespace(queue=FakeQueue(*chunks)))


def test_chunks_that_wait_behind_one_join_it() -> None:
    stream = a_stream([2, 3], [4])
    assert drain([0, 1], stream) == [0, 1, 2, 3, 4]
    assert stream.channel.queue.qsize() == 0


def test_a_chunk_goes_alone_when_nothing_waits() -> None:
    assert drain([0, 1], a_stream()) == [0, 1]


def test_draining_ends_when_the_batch_is_full() -> None:
    chunk = list(range(LARGEST_BATCH - 1))
    stream = a_stream([1, 2], [3])
    assert len(drain(chunk, stream)) == LARGEST_BATCH + 1
    assert stream.channel.queue.qsize() == 1


def test_the_chunk_itself_is_left_as_it_was() -> None:
    first = [0]
    drain(first, a_stream([1]))
    assert first == [0]


def test_a_large_chunk_is_cut_into_batches_that_lose_nothing() -> None:
    records = list(range(2 * LARGEST_BATCH + 1))
    cut = list(batches(records))
    assert [len(batch) for batch in cut] == [LARGEST_BATCH, LARGEST_BATCH, 1]
    assert [record for batch in cut for record in batch] == records


def test_few_records_are_one_batch() -> None:
    assert list(batches([1, 2, 3])) == [[1, 2, 3]]
