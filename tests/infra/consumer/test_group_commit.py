"""Batches that are ready at once share a transaction, and none pays for the fault of another."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import pytest

from infra.consumer.group_commit import LARGE_BATCH, GroupCommitter
from infra.consumer.protocols import Applied, Mismatch, Outcome


class NamedBatch(NamedTuple):
    name: str
    size: int = 1


class FakeStore:
    """Commits groups; the first commit waits until it is let go.

    Attributes:
        groups: The names of each group that was committed.
    """

    def __init__(self, answer: Callable[[str], Outcome] = lambda _: Applied()) -> None:
        self.groups: list[list[str]] = []
        self.begun, self.may_end = threading.Event(), threading.Event()
        self._answer = answer

    def commit(self, group: Sequence[NamedBatch]) -> list[Outcome]:
        first = not self.begun.is_set()
        self.begun.set()
        if first:
            assert self.may_end.wait(10)
        outcomes = [self._answer(batch.name) for batch in group]
        self.groups.append(sorted(batch.name for batch in group))
        return outcomes

    async def until_begun(self) -> None:
        while not self.begun.is_set():
            await asyncio.sleep(0.001)


def raise_away(name: str) -> Outcome:
    if name != "first":
        raise ConnectionError("away")
    return Applied()


def submit_during_a_commit(store: FakeStore, *names: str) -> list[Outcome | BaseException]:
    """Submit one batch, and more while that is committed; give the outcomes of these."""

    async def scene() -> list[Outcome | BaseException]:
        committer = GroupCommitter(store.commit)
        first = asyncio.create_task(committer.submit(NamedBatch("first")))
        await store.until_begun()
        submitted = [asyncio.create_task(committer.submit(NamedBatch(name))) for name in names]
        await asyncio.sleep(0)  # each of them waits now
        store.may_end.set()
        await first
        return await asyncio.gather(*submitted, return_exceptions=True)

    return run(scene())


def run(scene: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(scene, 20))


def test_what_comes_while_a_group_runs_is_the_next_group() -> None:
    store = FakeStore()
    assert submit_during_a_commit(store, "a", "b", "c") == [Applied()] * 3
    assert store.groups == [["first"], ["a", "b", "c"]]


def test_each_batch_of_a_group_gets_its_own_outcome() -> None:
    store = FakeStore(lambda name: Mismatch(7) if name == "b" else Applied())
    assert submit_during_a_commit(store, "a", "b", "c") == [Applied(), Mismatch(7), Applied()]
    assert store.groups == [["first"], ["a", "b", "c"]]


def test_a_database_that_is_away_is_reported_to_the_whole_group() -> None:
    store = FakeStore(raise_away)
    outcomes = submit_during_a_commit(store, "a", "b")
    assert [type(outcome) for outcome in outcomes] == [ConnectionError, ConnectionError]
    assert store.groups == [["first"]]


def test_a_cancelled_caller_holds_up_no_other() -> None:
    async def scene() -> None:
        store = FakeStore()
        committer = GroupCommitter(store.commit)
        revoked = asyncio.create_task(committer.submit(NamedBatch("revoked")))
        await store.until_begun()
        revoked.cancel()
        left = asyncio.create_task(committer.submit(NamedBatch("left")))
        await asyncio.sleep(0)
        store.may_end.set()
        assert await left == Applied()
        assert revoked.cancelled()
        assert store.groups == [["revoked"], ["left"]]

    run(scene())


def test_a_caller_cancelled_in_the_queue_disturbs_none_of_its_group() -> None:
    async def scene() -> None:
        store = FakeStore()
        committer = GroupCommitter(store.commit)
        first = asyncio.create_task(committer.submit(NamedBatch("first")))
        await store.until_begun()
        revoked = asyncio.create_task(committer.submit(NamedBatch("revoked")))
        left = asyncio.create_task(committer.submit(NamedBatch("left")))
        await asyncio.sleep(0)
        revoked.cancel()
        store.may_end.set()
        assert [await first, await left] == [Applied(), Applied()]
        assert store.groups == [["first"], ["left", "revoked"]]

    run(scene())


def test_the_end_of_the_process_wakes_every_waiting_caller() -> None:
    async def scene() -> list[Outcome | BaseException]:
        store = FakeStore()
        committer = GroupCommitter(store.commit)
        before = asyncio.all_tasks()
        callers = [asyncio.create_task(committer.submit(NamedBatch("in the group")))]
        await store.until_begun()
        (committing,) = asyncio.all_tasks() - before - set(callers)
        callers.append(asyncio.create_task(committer.submit(NamedBatch("in the queue"))))
        await asyncio.sleep(0)
        committing.cancel()
        outcomes = await asyncio.gather(*callers, return_exceptions=True)
        store.may_end.set()
        return outcomes

    assert [type(outcome) for outcome in run(scene())] == [asyncio.CancelledError] * 2


def test_a_batch_may_be_submitted_again_after_an_error() -> None:
    async def scene() -> None:
        answers = iter([ConnectionError("away"), None])

        def answer(_: str) -> Outcome:
            if error := next(answers):
                raise error
            return Applied()

        store = FakeStore(answer)
        store.may_end.set()
        committer = GroupCommitter(store.commit)
        with pytest.raises(ConnectionError):
            await committer.submit(NamedBatch("a"))
        assert await committer.submit(NamedBatch("a")) == Applied()
        assert store.groups == [["a"]]

    run(scene())


def test_a_large_batch_shares_with_no_other_and_waits_for_none() -> None:
    async def scene() -> None:
        store = FakeStore()
        committer = GroupCommitter(store.commit)
        first = asyncio.create_task(committer.submit(NamedBatch("first", LARGE_BATCH - 1)))
        await store.until_begun()
        assert await committer.submit(NamedBatch("large", LARGE_BATCH)) == Applied()
        store.may_end.set()
        await first
        assert store.groups == [["large"], ["first"]]

    run(scene())
