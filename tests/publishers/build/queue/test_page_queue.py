"""The queue gives the most urgent page that is due, and knows what is built."""

import math

import pytest

from publishers.build.queue.budget import MAX_SECONDS
from publishers.build.queue.page_queue import (
    LIMITS,
    OVERDUE_SECONDS,
    Page,
    PageQueue,
    Priority,
)
from tests.publishers.builder_fixture import ManualClock

TOOL, PEOPLE, MACHINES, SUMMARIES, BACKFILL = Priority


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> PageQueue:
    return PageQueue(clock)


def build(queue: PageQueue, seconds: float = 0.0) -> str:
    """Build the next page; its path, or nothing where none is due."""
    page = queue.next()
    if page is None:
        return ""
    queue.built(page, seconds)
    return page.path


def build_due(queue: PageQueue) -> list[str]:
    return list(iter(lambda: build(queue), ""))


def test_the_most_urgent_page_comes_first_and_within_a_priority_the_oldest(
    queue: PageQueue,
) -> None:
    queue.add(["/new/"], BACKFILL)
    queue.add(["/s/", "/t/"], SUMMARIES)
    queue.add(["/m.json"], MACHINES)
    queue.add(["/c/", "/b/"], PEOPLE)
    queue.add(["/tool/"], TOOL)
    assert build_due(queue) == ["/tool/", "/c/", "/b/", "/m.json", "/s/", "/t/", "/new/"]
    assert len(queue) == 0


def test_a_page_is_queued_once_and_only_becomes_more_urgent(queue: PageQueue) -> None:
    queue.add(["/a/", "/b/"], SUMMARIES)
    queue.add(["/b/"], TOOL)
    queue.add(["/b/"], PEOPLE)
    assert build_due(queue) == ["/b/", "/a/"]


def test_a_page_stays_until_it_is_built(queue: PageQueue) -> None:
    queue.add(["/a/"], PEOPLE)
    assert queue.next() == queue.next() == Page(1, "/a/", PEOPLE, 1.0)


def test_what_is_added_is_built_once_the_first_page_lies_behind_it(queue: PageQueue) -> None:
    queue.add(["/early/"], SUMMARIES)
    position = queue.add(["/a/", "/early/"], PEOPLE)
    assert queue.add(["/late/"], PEOPLE) > position
    assert build(queue) == "/early/"
    assert queue.first(PEOPLE) <= position
    assert build(queue) == "/a/"
    assert queue.first(PEOPLE) > position
    build(queue)
    assert queue.first(SUMMARIES) == math.inf


def test_a_page_that_becomes_more_urgent_while_it_is_built_is_built(queue: PageQueue) -> None:
    position = queue.add(["/a/"], BACKFILL)
    page = queue.next()
    assert page
    queue.add(["/a/"], SUMMARIES)
    queue.built(page, 0.001)
    assert queue.first(BACKFILL) > position
    assert (len(queue), queue.seconds_until_due()) == (0, math.inf)


def test_less_urgent_pages_do_not_count_among_the_first_of_a_priority(queue: PageQueue) -> None:
    queue.add(["/m.json"], MACHINES)
    assert queue.first(PEOPLE) == math.inf
    assert queue.first(MACHINES) == 1


@pytest.mark.parametrize("priority", Priority)
def test_a_page_is_built_again_at_once_while_its_priority_took_little(
    queue: PageQueue, clock: ManualClock, priority: Priority
) -> None:
    for _ in range(3):
        queue.add(["/a/"], priority)
        assert build(queue, seconds=MAX_SECONDS / 4) == "/a/"


@pytest.mark.parametrize("priority", Priority)
def test_under_load_a_page_rests_after_it_was_built(
    queue: PageQueue, clock: ManualClock, priority: Priority
) -> None:
    queue.add(["/a/"], priority)
    build(queue, seconds=9.0)
    queue.add(["/a/", "/b/"], priority)
    assert build_due(queue) == ["/b/"]
    pause = queue.seconds_until_due()
    assert 0.5 <= pause <= LIMITS[priority].rest
    clock.seconds += pause
    assert build(queue) == "/a/"


def test_a_busy_priority_keeps_to_its_share_of_the_time(
    queue: PageQueue, clock: ManualClock
) -> None:
    began, built = clock.seconds, 0
    while clock.seconds < began + 10.0:
        queue.add(["/a/", "/b/"], TOOL)
        if page := queue.next():
            clock.seconds += 0.01
            queue.built(page, 0.01)
            built += 1
        else:
            clock.seconds += queue.seconds_until_due() + 0.0001
    assert 0.01 * built == pytest.approx(10.0 * LIMITS[TOOL].share, rel=0.1)


def test_what_machines_read_waits_while_people_wait_for_at_most_a_second(
    queue: PageQueue, clock: ManualClock
) -> None:
    queue.add(["/a.json"], MACHINES)
    for number in range(100):
        queue.add([f"/{number}/"], PEOPLE)
    for _ in range(9):
        clock.seconds += 0.1
        assert build(queue, 0.1) != "/a.json"
    clock.seconds += 0.1
    assert build(queue, 0.1) == "/a.json"


@pytest.mark.parametrize("priority", Priority)
def test_no_priority_starves(queue: PageQueue, clock: ManualClock, priority: Priority) -> None:
    """Others have more to do than there is time for."""
    queue.add(["/mine/"], priority)
    began = clock.seconds
    while True:
        for other in set(Priority) - {priority}:
            queue.add([f"/{other}/{number}/" for number in range(30)], other)
        page = queue.next()
        assert page
        clock.seconds += 0.05
        queue.built(page, 0.05)
        if page.path == "/mine/":
            break
    assert clock.seconds - began <= LIMITS[priority].wait + 0.5


def test_backfill_takes_no_more_than_its_share_while_others_wait(
    queue: PageQueue, clock: ManualClock
) -> None:
    queue.add([f"/new/{number}/" for number in range(10_000)], BACKFILL)
    clock.seconds += 60
    built: list[Priority] = []
    for _ in range(1_000):
        queue.add([f"/{number}/" for number in range(200)], PEOPLE)
        page = queue.next()
        assert page
        clock.seconds += 0.01
        queue.built(page, 0.01)
        built.append(page.priority)
    assert 0.05 <= built.count(BACKFILL) / len(built) <= LIMITS[BACKFILL].share + 0.02


def test_overdue_pages_are_built_in_the_order_in_which_they_came(
    queue: PageQueue, clock: ManualClock
) -> None:
    queue.add(["/s/"], SUMMARIES)
    queue.add(["/m.json"], MACHINES)
    queue.add(["/new/"], BACKFILL)
    clock.seconds += OVERDUE_SECONDS
    queue.add(["/a/"], PEOPLE)
    queue.add(["/tool/"], TOOL)
    assert build_due(queue)[-2:] == ["/tool/", "/a/"]


def test_an_empty_queue_is_never_due(queue: PageQueue) -> None:
    assert queue.next() is None
    assert queue.seconds_until_due() == math.inf
