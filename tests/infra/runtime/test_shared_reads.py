"""Who shares a read, and what a caller never gets."""

import asyncio

import pytest

from infra.runtime.shared_reads import BatchedReads, SharedRead


class Values:
    """Values by key, whose reads can be held."""

    def __init__(self) -> None:
        self.values = {"a": 1, "b": 2}
        self.reads: list[list[str]] = []
        self.proceed = asyncio.Event()
        self.error: Exception | None = None

    async def read(self, keys: list[str]) -> dict[str, int]:
        self.reads.append(keys)
        values = {key: self.values[key] for key in keys if key in self.values}
        await self.proceed.wait()
        if self.error:
            raise self.error
        return values


def test_keys_that_are_asked_for_during_a_read_share_the_next() -> None:
    async def scenario() -> None:
        values = Values()
        reads = BatchedReads(values.read)
        first = asyncio.create_task(reads.get("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        later = [asyncio.create_task(reads.get(key)) for key in ("a", "b", "b", "missing")]
        await asyncio.sleep(0)
        values.values["a"] = 10
        values.proceed.set()
        assert await first == 1
        assert await asyncio.gather(*later) == [10, 2, 2, None]
        assert values.reads == [["a"], ["a", "b", "missing"]]
        await asyncio.sleep(0)
        assert reads.idle

    asyncio.run(scenario())


def test_every_caller_of_a_read_gets_its_error_and_the_next_read_may_succeed() -> None:
    async def scenario() -> None:
        values = Values()
        values.proceed.set()
        values.error = ValueError("away")
        reads = BatchedReads(values.read)
        errors = await asyncio.gather(*(reads.get("a") for _ in range(2)), return_exceptions=True)
        assert [str(error) for error in errors] == ["away", "away"]
        values.error = None
        assert await reads.get("a") == 1

    asyncio.run(scenario())


def test_a_caller_that_gives_up_ends_no_read_of_others() -> None:
    async def scenario() -> None:
        values = Values()
        reads = BatchedReads(values.read)
        first, second = (asyncio.create_task(reads.get("a")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        values.proceed.set()
        assert await second == 1

    asyncio.run(scenario())


def test_one_value_is_read_once_for_all_who_ask_together() -> None:
    async def scenario() -> None:
        count = 0

        async def read() -> int:
            nonlocal count
            count += 1
            await asyncio.sleep(0)
            return count

        shared = SharedRead(read)
        assert await asyncio.gather(*(shared.get() for _ in range(5))) == [1] * 5
        assert await shared.get() == 2

    asyncio.run(scenario())
