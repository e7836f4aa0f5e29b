"""One deadline for many waits."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from streams.api.http.shared_timeout import SharedTimeout


async def wait(deadline: SharedTimeout, until: Awaitable[object]) -> str:
    try:
        with deadline:
            await until
    except TimeoutError:
        return "late"
    return "in time"


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 10))


def test_only_a_block_that_takes_too_long_times_out() -> None:
    async def scene() -> None:
        deadline, quick, never = SharedTimeout(0.02), asyncio.Event(), asyncio.Event()
        waits = [asyncio.create_task(wait(deadline, it.wait())) for it in (never, quick, never)]
        await asyncio.sleep(0)
        quick.set()
        assert await asyncio.gather(*waits) == ["late", "in time", "late"]

    run(scene)


def test_a_later_block_times_out_too() -> None:
    async def scene() -> None:
        deadline, never = SharedTimeout(0.02), asyncio.Event()
        first = asyncio.create_task(wait(deadline, never.wait()))
        await asyncio.sleep(0.01)  # so that the second is not late yet when the first is
        second = asyncio.create_task(wait(deadline, never.wait()))
        assert [await first, await second] == ["late", "late"]
        assert await wait(deadline, never.wait()) == "late"

    run(scene)


def test_one_timeout_serves_several_event_loops_in_turn() -> None:
    deadline = SharedTimeout(0.01)

    async def scene() -> None:
        assert await wait(deadline, asyncio.Event().wait()) == "late"

    async def left() -> None:
        with deadline:
            await asyncio.sleep(0)

    for of_a_loop in (scene, left, scene):
        run(of_a_loop)


def test_an_outside_cancellation_stays_a_cancellation() -> None:
    async def scene() -> None:
        deadline = SharedTimeout(60)
        task = asyncio.create_task(wait(deadline, asyncio.Event().wait()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scene)


def test_errors_of_a_block_pass_unchanged() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    async def scene() -> None:
        with pytest.raises(ZeroDivisionError):
            await wait(SharedTimeout(60), broken())

    run(scene)
