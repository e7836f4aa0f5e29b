"""A call to a server that hangs ends after a while."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from infra.runtime.blocking_pool import BlockingPool, NoAnswerError, join_async


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """What a thread may wait for until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_results_and_errors_of_a_call_are_passed_on() -> None:
    async def scene() -> None:
        threads = BlockingPool(1, "test")
        assert await threads.run(pow, 2, 3) == 8
        with pytest.raises(ZeroDivisionError):
            await threads.run(divmod, 1, 0)

    asyncio.run(scene())


def test_a_call_that_hangs_times_out(hanging: threading.Event) -> None:
    async def scene() -> None:
        with pytest.raises(NoAnswerError, match=r"no answer within 0\.05 s"):
            await BlockingPool(1, "test", 0.05).run(hanging.wait)

    asyncio.run(scene())


def test_waiting_for_a_thread_counts_towards_the_timeout(
    hanging: threading.Event,
) -> None:
    async def scene() -> None:
        threads = BlockingPool(1, "test", 0.05)
        asked = [threads.run(hanging.wait), threads.run(pow, 2, 3)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [NoAnswerError, NoAnswerError]
        hanging.set()
        assert await threads.run(pow, 2, 3) == 8

    asyncio.run(scene())


def test_joining_a_thread_ends_with_it_or_after_a_while(hanging: threading.Event) -> None:
    async def scene() -> None:
        thread = threading.Thread(target=hanging.wait, daemon=True)
        thread.start()
        await join_async(thread, 0.05)
        assert thread.is_alive()
        hanging.set()
        await asyncio.wait_for(join_async(thread, 3_600), 10)
        assert not thread.is_alive()

    asyncio.run(scene())
