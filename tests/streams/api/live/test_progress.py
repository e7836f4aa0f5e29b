"""Waiting for projections and pages; reading the newest tallies."""

import asyncio
from collections.abc import Sequence

import pytest

from infra.runtime.blocking_pool import NoAnswerError
from projections.read.checkpoints import read_applied_offsets
from projections.read.tools import ToolTally, read_tallies
from schemas.records import Community
from schemas.topics import VOTES, TopicPartition
from streams.api.live.checkpoint_loader import CheckpointLoader
from streams.api.live.progress import Progress, Watermarks
from streams.api.live.tally_cache import TallyCache
from streams.api.read_model import FakeReadModel
from tests.streams.api.conftest import FakeApi


def test_a_watermark_wakes_waiters_of_it_and_of_earlier_ones() -> None:
    async def scenario() -> list[bool]:
        watermarks: Watermarks[str] = Watermarks()
        waits = [asyncio.create_task(watermarks.wait_for("a", offset)) for offset in (3, 5, 9)]
        await asyncio.sleep(0)
        watermarks.set("b", 100)
        watermarks.set("a", 5)
        await asyncio.gather(*waits[:2])
        done = [wait.done() for wait in waits]
        waits[2].cancel()
        return done

    assert asyncio.run(scenario()) == [True, True, False]


def test_a_reached_watermark_needs_no_wait() -> None:
    async def scenario() -> None:
        watermarks: Watermarks[str] = Watermarks()
        watermarks.set("a", 5)
        await asyncio.wait_for(watermarks.wait_for("a", 5), 1)

    asyncio.run(scenario())


def test_a_rewound_offset_is_waited_for_again() -> None:
    async def scenario() -> None:
        progress = Progress()
        progress.apply([("applied", f"{VOTES.name}/3/42"), ("applied", f"{VOTES.name}/3/17")])
        waiting = asyncio.create_task(progress.applied.wait_for((VOTES.name, 3), 42))
        await asyncio.sleep(0)
        assert not waiting.done()
        progress.apply([("applied", f"{VOTES.name}/3/42")])
        await asyncio.wait_for(waiting, 1)

    asyncio.run(scenario())


def test_a_loaded_checkpoint_counts_even_when_lower_or_missing() -> None:
    async def scenario() -> None:
        progress = Progress()
        progress.apply([("applied", f"{VOTES.name}/3/42"), ("applied", f"{VOTES.name}/4/42")])
        progress.start_listening()
        progress.load_checkpoints({(VOTES.name, 3): 17})
        assert await is_reached(progress, 3, 17)
        assert not await is_reached(progress, 3, 18)
        assert not await is_reached(progress, 4, 1)

    asyncio.run(scenario())


def test_notifications_during_the_load_win_over_checkpoints() -> None:
    async def scenario() -> None:
        progress = Progress()
        progress.start_listening()
        progress.apply([("applied", f"{VOTES.name}/3/42")])
        progress.load_checkpoints({(VOTES.name, 3): 41, (VOTES.name, 4): 7})
        assert await is_reached(progress, 3, 42)
        assert await is_reached(progress, 4, 7)

    asyncio.run(scenario())


def test_a_failed_load_of_checkpoints_is_retried() -> None:
    async def scenario() -> None:
        read_model, progress = FakeReadModel(), Progress()
        calls: list[str] = []

        async def applied(_: Sequence[str]) -> dict[TopicPartition, int]:
            calls.append("once more")
            if len(calls) < 3:
                raise NoAnswerError("away")
            return {(VOTES.name, 3): 42}

        read_model.answers[read_applied_offsets] = applied
        CheckpointLoader(progress, read_model, retry_seconds=0).restart()
        await asyncio.wait_for(progress.applied.wait_for((VOTES.name, 3), 42), 5)

    asyncio.run(scenario())


def test_a_reconnect_cancels_a_load_under_way() -> None:
    async def scenario() -> None:
        read_model, progress = FakeReadModel(), Progress()
        started, proceed = asyncio.Event(), asyncio.Event()
        answers = [{(VOTES.name, 3): 17}, {(VOTES.name, 3): 42}]

        async def applied(_: Sequence[str]) -> dict[TopicPartition, int]:
            answer = answers.pop(0)
            if answers:
                started.set()
                await proceed.wait()
            return answer

        read_model.answers[read_applied_offsets] = applied
        loader = CheckpointLoader(progress, read_model)
        loader.restart()
        await started.wait()
        loader.restart()
        await asyncio.wait_for(progress.applied.wait_for((VOTES.name, 3), 42), 5)
        proceed.set()
        await asyncio.sleep(0)
        assert await is_reached(progress, 3, 42)

    asyncio.run(scenario())


async def is_reached(progress: Progress, partition: int, offset: int) -> bool:
    """Whether the offset is reached without waiting."""
    try:
        async with asyncio.timeout(0):
            await progress.applied.wait_for((VOTES.name, partition), offset)
    except TimeoutError:
        return False
    return True


def test_a_waiter_that_gives_up_is_removed() -> None:
    async def scenario() -> None:
        watermarks: Watermarks[str] = Watermarks()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await watermarks.wait_for("a", 1)
        assert watermarks.awaited == 0

    asyncio.run(scenario())


def test_notifications_set_watermarks() -> None:
    async def scenario() -> None:
        progress = Progress()
        progress.apply([("applied", "verdicts.votes.v1/11/42")])
        await asyncio.wait_for(progress.applied.wait_for(("verdicts.votes.v1", 11), 42), 1)

    asyncio.run(scenario())


def test_refreshes_share_reads_and_none_is_older_than_its_call() -> None:
    async def scenario() -> list[int]:
        api = FakeApi()
        read_model = api.fakes.read_model
        calls: list[list[str]] = []
        started, proceed = asyncio.Event(), asyncio.Event()

        async def tallies(slugs: list[str]) -> dict[str, ToolTally]:
            calls.append(list(slugs))
            started.set()
            await proceed.wait()
            return {slug: ToolTally(slug, Community.of(0, 0), 0, 10 + len(calls)) for slug in slugs}

        read_model.answers[read_tallies] = tallies
        cache = TallyCache(read_model)
        await cache.get("alpha")
        first = asyncio.create_task(cache.refresh("alpha"))
        await started.wait()
        later = [asyncio.create_task(cache.refresh("alpha")) for _ in range(50)]
        await asyncio.sleep(0)
        proceed.set()
        tools = await asyncio.gather(first, *later)
        assert len(calls) == 2
        return [tool.version for tool in tools if tool]

    versions = asyncio.run(scenario())
    assert versions[-1] == 12
    assert len(versions) == 51


def test_a_failed_refresh_fails_its_callers_and_the_next_may_succeed() -> None:
    async def scenario() -> None:
        api = FakeApi()
        read_model, cache = api.fakes.read_model, api.components.tallies
        await cache.get("alpha")
        answer = read_model.answers[read_tallies]

        async def broken(slugs: list[str]) -> dict[str, ToolTally]:
            raise OSError("away")

        read_model.answers[read_tallies] = broken
        with pytest.raises(OSError, match="away"):
            await cache.refresh("alpha")
        read_model.answers[read_tallies] = answer
        assert await cache.refresh("alpha")

    asyncio.run(scenario())
