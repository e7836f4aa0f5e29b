"""Work that comes at the same time is done as one, and no member pays for another's fault."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from infra.consumer.group_commit import GroupCommitter, run_alone
from infra.consumer.partition_consumer import BatchSteps
from infra.consumer.protocols import CheckpointMismatch


class Work:
    """Runs groups, of which the first waits until it is let go."""

    def __init__(
        self, refuses: Callable[[Sequence[str]], Exception | None] = lambda _: None
    ) -> None:
        self.groups: list[list[str]] = []
        self.begun, self.may_end = threading.Event(), threading.Event()
        self._refuses = refuses

    def run(self, group: Sequence[str]) -> None:
        first = not self.begun.is_set()
        self.begun.set()
        if first:
            assert self.may_end.wait(10)
        if error := self._refuses(group):
            raise error
        self.groups.append(sorted(group))


def one(work: str | None) -> BatchSteps[str]:
    yield work


def meanwhile(work: Work, *members: BatchSteps[str]) -> list[BaseException | None]:
    """Ask for one group, and for members of the next while that runs; what each was told."""

    async def scene() -> list[BaseException | None]:
        together = GroupCommitter(work.run)
        first = asyncio.create_task(together.do(one("first")))
        await asyncio.to_thread(work.begun.wait, 10)
        asked = [asyncio.create_task(together.do(member)) for member in members]
        await asyncio.sleep(0)  # each of them waits now
        work.may_end.set()
        await first
        return await asyncio.gather(*asked, return_exceptions=True)

    return within(scene())


def within(scene: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(scene, 20))


def test_what_comes_while_a_group_runs_is_the_next_group() -> None:
    work = Work()
    assert meanwhile(work, one("a"), one("b"), one("c")) == [None, None, None]
    assert work.groups == [["first"], ["a", "b", "c"]]


def test_a_missed_checkpoint_is_told_to_the_one_that_missed_it() -> None:
    work = Work(lambda group: CheckpointMismatch(7) if "b" in group else None)
    told = meanwhile(work, one("a"), one("b"), one("c"))
    assert [type(it) for it in told] == [type(None), CheckpointMismatch, type(None)]
    assert sorted(work.groups) == [["a"], ["c"], ["first"]]


def test_a_database_that_is_away_is_told_to_all() -> None:
    work = Work(lambda group: None if "first" in group else ConnectionError("away"))
    told = meanwhile(work, one("a"), one("b"))
    assert [type(it) for it in told] == [ConnectionError, ConnectionError]
    assert work.groups == [["first"]]


def test_further_steps_are_taken_together_too() -> None:
    def two(name: str) -> BatchSteps[str]:
        yield f"{name} 1"
        yield f"{name} 2"

    work = Work()
    assert meanwhile(work, two("a"), one("b"), two("c")) == [None, None, None]
    assert work.groups == [["first"], ["a 1", "b", "c 1"], ["a 2", "c 2"]]


def test_what_refuses_a_work_can_be_answered_with_another_one() -> None:
    def persistent(name: str) -> BatchSteps[str]:
        try:
            yield f"bad {name}"
        except CheckpointMismatch:
            yield f"good {name}"

    work = Work(lambda group: CheckpointMismatch(1) if any("bad" in it for it in group) else None)
    assert meanwhile(work, persistent("a"), one("b")) == [None, None]
    assert work.groups == [["first"], ["b"], ["good a"]]


def test_nobody_waits_for_what_may_take_long() -> None:
    others_done = threading.Event()

    def slow() -> BatchSteps[str]:
        yield None
        assert others_done.wait(10)
        yield "slow"

    def quick() -> BatchSteps[str]:
        yield "quick"
        others_done.set()

    work = Work()
    assert meanwhile(work, slow(), quick()) == [None, None]
    assert work.groups == [["first"], ["quick"], ["slow"]]


def test_what_may_take_long_fails_alone() -> None:
    def failing() -> BatchSteps[str]:
        yield None
        raise ConnectionError("no broker")

    work = Work()
    told = meanwhile(work, failing(), one("a"))
    assert [type(it) for it in told] == [ConnectionError, type(None)]


def test_who_is_cancelled_holds_nobody_up() -> None:
    async def scene() -> None:
        work = Work()
        together = GroupCommitter(work.run)
        gone = asyncio.create_task(together.do(one("gone")))
        await asyncio.to_thread(work.begun.wait, 10)
        gone.cancel()
        left = asyncio.create_task(together.do(one("left")))
        await asyncio.sleep(0)
        work.may_end.set()
        await left
        assert work.groups == [["gone"], ["left"]]

    within(scene())


def test_whoever_was_refused_may_ask_again() -> None:
    async def scene() -> None:
        refused = iter([ConnectionError("away"), None])
        work = Work(lambda _: next(refused))
        work.may_end.set()
        together = GroupCommitter(work.run)
        with pytest.raises(ConnectionError):
            await together.do(one("a"))
        await together.do(one("a"))
        assert work.groups == [["a"]]

    within(scene())


def test_what_is_large_shares_with_nobody_and_waits_for_nobody() -> None:
    async def scene() -> None:
        work = Work()
        together = GroupCommitter(work.run)
        first = asyncio.create_task(together.do(one("first")))
        await asyncio.to_thread(work.begun.wait, 10)
        await together.do(one("large"), apart=True)
        work.may_end.set()
        await first
        assert work.groups == [["large"], ["first"]]

    within(scene())


def test_alone_steps_meet_what_refuses_them() -> None:
    work = Work(lambda _: CheckpointMismatch(3))
    work.may_end.set()
    with pytest.raises(CheckpointMismatch):
        run_alone(one("a"), work.run)
