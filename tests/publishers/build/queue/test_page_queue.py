"""The queue gives the most urgent page that is due, and knows what is built."""

import math

import pytest

from publishers.build.queue.page_queue import THROTTLES, Page, PageQueue, Priority
from tests.publishers.builder_fixture import ManualClock

TOOL, PEOPLE, MACHINES, SUMMARIES = Priority


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
    queue.add(["/s/", "/t/"], SUMMARIES)
    queue.add(["/m.json"], MACHINES)
    queue.add(["/c/", "/b/"], PEOPLE)
    queue.add(["/tool/"], TOOL)
    assert build_due(queue) == ["/tool/", "/c/", "/b/", "/m.json", "/s/", "/t/"]
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


def test_less_urgent_pages_do_not_count_among_the_first_of_a_priority(queue: PageQueue) -> None:
    queue.add(["/m.json"], MACHINES)
    assert queue.first(PEOPLE) == math.inf
    assert queue.first(MACHINES) == 1


def test_a_run_is_followed_by_a_rest_that_keeps_to_its_share(
    queue: PageQueue, clock: ManualClock
) -> None:
    share = THROTTLES[TOOL].max_share
    queue.add(["/a/"], TOOL)
    assert build(queue, seconds=0.05) == "/a/"
    queue.add(["/a/"], TOOL)
    assert build(queue) == ""
    assert queue.seconds_until_due() == pytest.approx(0.05 / share)
    clock.seconds += 0.05 / share
    assert build(queue) == "/a/"


@pytest.mark.parametrize("priority", Priority)
def test_a_rest_is_neither_too_short_nor_too_long(
    queue: PageQueue, clock: ManualClock, priority: Priority
) -> None:
    throttle = THROTTLES[priority]
    for seconds, pause in ((0.0, throttle.min_interval), (99.0, throttle.max_interval)):
        queue.add(["/a/"], priority)
        clock.seconds += queue.seconds_until_due()
        build(queue, seconds)
        queue.add(["/a/"], priority)
        assert queue.seconds_until_due() == pytest.approx(pause)
        clock.seconds += pause
        assert build(queue, 0.0)
        clock.seconds += throttle.max_interval


def test_pages_that_come_during_a_run_wait_for_the_next_one(
    queue: PageQueue, clock: ManualClock
) -> None:
    queue.add(["/a/", "/b/"], SUMMARIES)
    assert build(queue, 0.1) == "/a/"
    queue.add(["/a/"], SUMMARIES)
    assert build(queue, 0.1) == "/b/"
    assert build(queue) == ""
    clock.seconds += queue.seconds_until_due()
    assert build(queue) == "/a/"


def test_a_page_that_becomes_more_urgent_does_not_pass_the_rest_of_its_new_priority(
    queue: PageQueue,
) -> None:
    queue.add(["/s/"], SUMMARIES)
    queue.add(["/a/"], TOOL)
    build(queue, 0.05)
    queue.add(["/s/"], TOOL)
    assert build(queue) == ""


def test_what_machines_read_waits_while_people_wait_for_at_most_a_second(
    queue: PageQueue, clock: ManualClock
) -> None:
    queue.add(["/a.json"], MACHINES)
    queue.add(["/a/"], PEOPLE)
    assert build(queue, 0.3) == "/a/"  # so the next run of its priority rests
    queue.add(["/b/"], PEOPLE)
    clock.seconds += 0.5
    assert build(queue) == ""
    clock.seconds += 0.5
    assert build(queue) == "/a.json"


def test_a_page_that_waited_too_long_is_as_urgent_as_those_that_people_read(
    queue: PageQueue, clock: ManualClock
) -> None:
    queue.add(["/s/"], SUMMARIES)
    clock.seconds += THROTTLES[SUMMARIES].max_interval
    queue.add(["/a/"], PEOPLE)
    queue.add(["/tool/"], TOOL)
    assert build_due(queue) == ["/tool/", "/s/", "/a/"]


def test_an_empty_queue_is_never_due(queue: PageQueue) -> None:
    assert queue.next() is None
    assert queue.seconds_until_due() == math.inf
