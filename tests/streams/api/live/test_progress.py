"""Waiting for projections and pages; reading the newest tallies."""

import asyncio

import pytest

from infra.runtime.blocking_pool import NoAnswerError
from projections.read.queries import ToolTally
from schemas.records import Community
from schemas.topics import VOTES
from streams.api import server
from streams.api.live.progress import Progress, Watermarks
from streams.api.live.tally_cache import TallyCache
from streams.api.read_model import Applied, FakeReadModel
from tests.streams.api.conftest import World


def test_who_waits_is_woken_by_the_mark_or_a_later_one() -> None:
    async def scene() -> list[bool]:
        marks: Watermarks[str] = Watermarks()
        waits = [asyncio.create_task(marks.wait_for("a", mark)) for mark in (3, 5, 9)]
        await asyncio.sleep(0)
        marks.set("b", 100)
        marks.set("a", 5)
        await asyncio.gather(*waits[:2])
        done = [wait.done() for wait in waits]
        waits[2].cancel()
        return done

    assert asyncio.run(scene()) == [True, True, False]


def test_what_was_reached_before_needs_no_waiting() -> None:
    async def scene() -> None:
        marks: Watermarks[str] = Watermarks()
        marks.set("a", 5)
        await asyncio.wait_for(marks.wait_for("a", 5), 1)

    asyncio.run(scene())


def test_what_was_rewound_is_waited_for_once_more() -> None:
    async def scene() -> None:
        progress = Progress()
        progress.note([("applied", f"{VOTES.name}/3/42"), ("applied", f"{VOTES.name}/3/17")])
        waiting = asyncio.create_task(progress.applied.wait_for((VOTES.name, 3), 42))
        await asyncio.sleep(0)
        assert not waiting.done()
        progress.note([("applied", f"{VOTES.name}/3/42")])
        await asyncio.wait_for(waiting, 1)

    asyncio.run(scene())


def test_a_checkpoint_that_was_read_counts_also_where_it_stands_lower_or_is_gone() -> None:
    async def scene() -> None:
        progress = Progress()
        progress.note([("applied", f"{VOTES.name}/3/42"), ("applied", f"{VOTES.name}/4/42")])
        progress.listening()
        progress.read({(VOTES.name, 3): 17})
        assert await stands(progress, 3, 17)
        assert not await stands(progress, 3, 18)
        assert not await stands(progress, 4, 1)

    asyncio.run(scene())


def test_what_was_heard_while_the_checkpoints_were_read_is_newer_than_they_are() -> None:
    async def scene() -> None:
        progress = Progress()
        progress.listening()
        progress.note([("applied", f"{VOTES.name}/3/42")])
        progress.read({(VOTES.name, 3): 41, (VOTES.name, 4): 7})
        assert await stands(progress, 3, 42)
        assert await stands(progress, 4, 7)

    asyncio.run(scene())


def test_checkpoints_that_cannot_be_read_are_read_later() -> None:
    async def scene() -> None:
        library, progress = FakeReadModel(), Progress()
        asked: list[str] = []

        async def applied() -> Applied:
            asked.append("once more")
            if len(asked) < 3:
                raise NoAnswerError("away")
            return {(VOTES.name, 3): 42}

        library.applied = applied  # type: ignore[method-assign]
        server._CatchUp(progress, library, pause=0).begin()
        await asyncio.wait_for(progress.applied.wait_for((VOTES.name, 3), 42), 5)

    asyncio.run(scene())


def test_what_is_still_being_read_is_forgotten_at_the_next_connection() -> None:
    async def scene() -> None:
        library, progress = FakeReadModel(), Progress()
        began, go = asyncio.Event(), asyncio.Event()
        answers = [{(VOTES.name, 3): 17}, {(VOTES.name, 3): 42}]

        async def applied() -> Applied:
            answer = answers.pop(0)
            if answers:
                began.set()
                await go.wait()
            return answer

        library.applied = applied  # type: ignore[method-assign]
        catch_up = server._CatchUp(progress, library)
        catch_up.begin()
        await began.wait()
        catch_up.begin()
        await asyncio.wait_for(progress.applied.wait_for((VOTES.name, 3), 42), 5)
        go.set()
        await asyncio.sleep(0)
        assert await stands(progress, 3, 42)

    asyncio.run(scene())


async def stands(progress: Progress, partition: int, offset: int) -> bool:
    """Whether who waits for the offset need not wait."""
    try:
        async with asyncio.timeout(0):
            await progress.applied.wait_for((VOTES.name, partition), offset)
    except TimeoutError:
        return False
    return True


def test_who_gives_up_is_forgotten() -> None:
    async def scene() -> None:
        marks: Watermarks[str] = Watermarks()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await marks.wait_for("a", 1)
        assert marks._waiting == {}

    asyncio.run(scene())


def test_notifications_are_read_as_they_are_written() -> None:
    async def scene() -> None:
        progress = Progress()
        progress.note([("applied", "verdicts.votes.v1/11/42"), ("published", "alpha 17")])
        await asyncio.wait_for(progress.applied.wait_for(("verdicts.votes.v1", 11), 42), 1)
        await asyncio.wait_for(progress.published.wait_for("alpha", 17), 1)

    asyncio.run(scene())


def test_fresh_reads_are_shared_and_none_is_older_than_its_question(new_world: type[World]) -> None:
    async def scene() -> list[int]:
        world = new_world()
        library = world.fakes.library
        asked: list[list[str]] = []
        began, go = asyncio.Event(), asyncio.Event()

        async def tallies(slugs: list[str]) -> dict[str, ToolTally]:
            asked.append(list(slugs))
            began.set()
            await go.wait()
            return {it: ToolTally(it, Community.of(0, 0), 0, 10 + len(asked)) for it in slugs}

        library.tallies = tallies  # type: ignore[method-assign, assignment]
        standings = TallyCache(library)
        await standings.find("alpha")
        first = asyncio.create_task(standings.fresh("alpha"))
        await began.wait()
        later = [asyncio.create_task(standings.fresh("alpha")) for _ in range(50)]
        await asyncio.sleep(0)
        go.set()
        found = await asyncio.gather(first, *later)
        assert len(asked) == 2
        return [standing.version for standing in found if standing]

    versions = asyncio.run(scene())
    assert versions[-1] == 12
    assert len(versions) == 51


def test_a_failed_read_is_told_to_those_who_wait_and_the_next_may_do_better(
    new_world: type[World],
) -> None:
    async def scene() -> None:
        world = new_world()
        library, standings = world.fakes.library, world.parts.standings
        await standings.find("alpha")
        working = library.tallies

        async def broken(slugs: list[str]) -> dict[str, ToolTally]:
            raise OSError("away")

        library.tallies = broken  # type: ignore[method-assign, assignment]
        with pytest.raises(OSError, match="away"):
            await standings.fresh("alpha")
        library.tallies = working  # type: ignore[method-assign]
        assert await standings.fresh("alpha")

    asyncio.run(scene())
