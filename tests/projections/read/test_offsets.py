"""Waiting for the projections ends when every record before the ends is applied."""

from collections.abc import Iterator

import pytest

from projections.read.offsets import Offsets, wait_until_applied

VOTES, REVIEWS = ("votes", 0), ("reviews", 0)


class FakeLog:
    """A log with markers in place of records from some offset on.

    Attributes:
        asked: How often it was asked for records.
    """

    def __init__(self, markers_from: int = 1_000) -> None:
        self.asked = 0
        self._markers_from = markers_from

    def has_records(self, _: tuple[str, int], begin: int, end: int) -> bool:
        self.asked += 1
        return begin < min(end, self._markers_from)


def wait(ends: Offsets, looks: Iterator[Offsets], log: FakeLog) -> list[Offsets]:
    """Wait; give what was behind at each look."""
    behind: list[Offsets] = []
    wait_until_applied(ends, looks.__next__, log, behind.append, marker_seconds=-1)
    return behind


def test_what_is_applied_is_not_waited_for() -> None:
    assert wait({VOTES: 3, REVIEWS: 0}, iter([{VOTES: 4}]), FakeLog()) == []


def test_every_partition_has_to_reach_its_end() -> None:
    looks: list[Offsets] = [{}, {VOTES: 2}, {VOTES: 2, REVIEWS: 1}]
    behind = wait({VOTES: 2, REVIEWS: 1}, iter(looks), FakeLog())
    assert behind == [{VOTES: 0, REVIEWS: 0}, {REVIEWS: 0}]


def test_markers_behind_the_last_record_are_not_waited_for() -> None:
    log = FakeLog(markers_from=5)
    assert wait({VOTES: 7}, iter([{VOTES: 4}, {VOTES: 5}, {VOTES: 5}]), log) == [
        {VOTES: 4},
        {VOTES: 5},
    ]
    assert log.asked == 1


def test_while_a_partition_moves_the_log_is_not_asked() -> None:
    log = FakeLog()
    wait({VOTES: 3}, iter([{VOTES: 1}, {VOTES: 2}, {VOTES: 3}]), log)
    assert log.asked == 0


def test_the_pause_ends_the_wait() -> None:
    def pause(_: Offsets) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        wait_until_applied({VOTES: 1}, dict, FakeLog(), pause, marker_seconds=60)
