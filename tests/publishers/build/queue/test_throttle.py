"""A timer keeps a job to its share of the time, and never makes it late."""

import pytest

from publishers.build.queue.throttle import Throttle, Timer
from tests.publishers.builder_fixture import ManualClock


@pytest.mark.parametrize(
    ("seconds", "interval"), [(0.0, 0.1), (0.1, 0.2), (0.25, 0.5), (10.0, 1.0)]
)
def test_the_interval_keeps_to_the_share_between_least_and_most(
    seconds: float, interval: float
) -> None:
    assert Throttle(0.5, 0.1, 1.0).interval(seconds) == interval


def test_the_first_run_is_due_at_once_and_the_next_an_interval_after_its_start() -> None:
    clock = ManualClock()
    timer = Timer(Throttle(0.1, 0.0, 9.0), clock)
    assert timer.seconds_until_due() <= 0
    with timer.run():
        clock.seconds += 0.02
    assert timer.seconds_until_due() == pytest.approx(0.2 - 0.02)
    clock.seconds += 0.18
    assert timer.seconds_until_due() == pytest.approx(0.0)


def test_a_run_that_fails_is_due_again() -> None:
    timer = Timer(Throttle(0.1, 1.0, 9.0), ManualClock())
    with pytest.raises(OSError, match="full"), timer.run():
        raise OSError("full")
    assert timer.seconds_until_due() <= 0
