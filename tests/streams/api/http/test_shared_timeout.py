"""One timeout for many waits."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from streams.api.http.shared_timeout import SharedTimeout


async def wait(timeout: SharedTimeout, until: Awaitable[object]) -> str:
    try:
        with timeout:
            await until
    except TimeoutError:
        return "timed out"
    return "in time"


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 10))


def test_only_a_block_that_takes_too_long_times_out() -> None:
    async def scene() -> None:
        timeout, quick, never = SharedTimeout(0.02), asyncio.Event(), asyncio.Event()
        waits = [
            asyncio.create_task(wait(timeout, event.wait())) for event in (never, quick, never)
        ]
        await asyncio.sleep(0)
        quick.set()
        assert await asyncio.gather(*waits) == ["timed out", "in time", "timed out"]

    run(scene)


def test_a_later_block_times_out_too() -> None:
    async def scene() -> None:
        timeout, never = SharedTimeout(0.02), asyncio.Event()
        first = asyncio.create_task(wait(timeout, never.wait()))
        await asyncio.sleep(0.01)  # so that the second is not expired yet when the first is
        second = asyncio.create_task(wait(timeout, never.wait()))
        assert [await first, await second] == ["timed out", "timed out"]
        assert await wait(timeout, never.wait()) == "timed out"

    run(scene)


def test_one_timeout_serves_several_event_loops_in_turn() -> None:
    timeout = SharedTimeout(0.01)

    async def scene() -> None:
        assert await wait(timeout, asyncio.Event().wait()) == "timed out"

    async def left() -> None:
        with timeout:
            await asyncio.sleep(0)

    for of_a_loop in (scene, left, scene):
        run(of_a_loop)


def test_an_outside_cancellation_stays_a_cancellation() -> None:
    async def scene() -> None:
        timeout = SharedTimeout(60)
        task = asyncio.create_task(wait(timeout, asyncio.Event().wait()))
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
