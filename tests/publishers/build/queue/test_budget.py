"""A budget grows with the clock, is used up by what is spent, and never grows large."""

import pytest

from publishers.build.queue.budget import MAX_SECONDS, Budget
from tests.publishers.builder_fixture import ManualClock


def test_something_is_left_until_more_was_spent_than_there_was() -> None:
    budget = Budget(0.1, ManualClock())
    budget.spend(MAX_SECONDS / 2)
    assert budget.seconds_until_left() == 0
    budget.spend(MAX_SECONDS)
    assert budget.seconds_until_left() > 0


def test_it_grows_by_its_share_and_not_beyond_its_most() -> None:
    clock = ManualClock()
    budget = Budget(0.1, clock)
    budget.spend(MAX_SECONDS + 0.02)
    assert budget.seconds_until_left() == pytest.approx(0.2)
    clock.seconds += 0.2
    assert budget.seconds_until_left() == pytest.approx(0.0)
    clock.seconds += 3600
    budget.spend(2 * MAX_SECONDS)
    assert budget.seconds_until_left() == pytest.approx(MAX_SECONDS / 0.1)


def test_one_long_piece_of_work_costs_at_most_a_second_of_waiting() -> None:
    budget = Budget(0.1, ManualClock())
    budget.spend(60)
    assert budget.seconds_until_left() == pytest.approx(1.0)
