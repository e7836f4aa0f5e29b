"""How patient a fetch is, by what was fetched before it."""

import pytest

from infra.consumer.fetch_tuning import (
    BATCHED,
    LOW_LATENCY,
    WINDOW_SECONDS,
    FetchSettings,
    FetchTuner,
)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def after(*fetches: tuple[float, int]) -> FetchSettings:
    """What is asked for after fetches that each come so many seconds later with so many records."""
    clock = Clock()
    pace, fetch_settings = FetchTuner(clock), LOW_LATENCY
    for seconds, records in fetches:
        clock.seconds += seconds
        fetch_settings = pace.update(records)
    return fetch_settings


def rush(rate: float, seconds: float = 1.0) -> list[tuple[float, int]]:
    """So many votes a second, in ten fetches a second."""
    return [(0.1, round(rate / 10))] * round(seconds / 0.1)


def test_a_single_vote_is_fetched_at_once() -> None:
    assert after((5.0, 1)) == LOW_LATENCY
    assert LOW_LATENCY.min_bytes == 1


def test_votes_at_a_low_rate_are_fetched_at_once() -> None:
    assert after(*[(0.02, 1)] * 100) == LOW_LATENCY


@pytest.mark.parametrize("least", BATCHED)
def test_at_a_high_rate_the_broker_gathers_for_some_milliseconds(least: int) -> None:
    assert after(*rush(1.2 * least)) == BATCHED[least]
    assert 0 < BATCHED[least].max_wait_ms <= 50


def test_the_higher_the_rate_the_longer_the_broker_gathers() -> None:
    assert sorted(BATCHED, reverse=True) == list(BATCHED)
    waits = [BATCHED[least].max_wait_ms for least in BATCHED]
    assert waits == sorted(waits, reverse=True)


def test_a_few_votes_at_the_same_moment_are_no_high_rate() -> None:
    assert after((5.0, 1), (0.001, 5), (0.001, 5)) == LOW_LATENCY


def test_after_a_high_rate_the_next_vote_is_fetched_at_once() -> None:
    assert after(*rush(1_000), (2 * WINDOW_SECONDS, 0)) == LOW_LATENCY
    assert after(*rush(1_000), (30.0, 1)) == LOW_LATENCY


def test_a_batch_after_a_long_pause_is_no_high_rate() -> None:
    assert after((60.0, max(BATCHED))) == LOW_LATENCY
