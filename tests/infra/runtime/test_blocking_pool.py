"""Who waits for a server that hangs waits no longer than people do."""

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


def test_an_answer_is_passed_on_and_so_is_a_failure() -> None:
    async def scene() -> None:
        threads = BlockingPool(1, "test")
        assert await threads.run(pow, 2, 3) == 8
        with pytest.raises(ZeroDivisionError):
            await threads.run(divmod, 1, 0)

    asyncio.run(scene())


def test_what_hangs_is_given_up(hanging: threading.Event) -> None:
    async def scene() -> None:
        with pytest.raises(NoAnswerError, match=r"no answer within 0\.05 s"):
            await BlockingPool(1, "test", 0.05).run(hanging.wait)

    asyncio.run(scene())


def test_who_waits_for_a_thread_waits_no_longer_than_for_an_answer(
    hanging: threading.Event,
) -> None:
    async def scene() -> None:
        threads = BlockingPool(1, "test", 0.05)
        asked = [threads.run(hanging.wait), threads.run(pow, 2, 3)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(it) for it in found] == [NoAnswerError, NoAnswerError]
        hanging.set()
        assert await threads.run(pow, 2, 3) == 8

    asyncio.run(scene())


def test_a_threads_end_is_waited_for_but_not_for_ever(hanging: threading.Event) -> None:
    async def scene() -> None:
        thread = threading.Thread(target=hanging.wait, daemon=True)
        thread.start()
        await join_async(thread, 0.05)
        assert thread.is_alive()
        hanging.set()
        await asyncio.wait_for(join_async(thread, 3_600), 10)
        assert not thread.is_alive()

    asyncio.run(scene())
