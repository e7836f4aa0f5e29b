"""How patient a fetch is, by what was fetched before it."""

from infra.consumer.fetch_tuning import (
    BATCHED,
    BATCHING_THRESHOLD,
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


def rush(seconds: float) -> list[tuple[float, int]]:
    """Ten times what makes a rush, in a hundred fetches a second."""
    return [(0.01, BATCHING_THRESHOLD // 10)] * int(seconds / 0.01)


def test_a_single_vote_is_fetched_at_once() -> None:
    assert after((5.0, 1)) == LOW_LATENCY
    assert LOW_LATENCY.min_bytes == 1


def test_votes_at_a_low_rate_are_fetched_at_once() -> None:
    assert after(*[(0.02, 1)] * 100) == LOW_LATENCY


def test_at_a_high_rate_the_broker_gathers_for_some_milliseconds() -> None:
    assert after(*rush(1.0)) == BATCHED
    assert 0 < BATCHED.max_wait_ms <= 50


def test_a_few_votes_at_the_same_moment_are_no_high_rate() -> None:
    assert after((5.0, 1), (0.001, 5), (0.001, 5)) == LOW_LATENCY


def test_after_a_high_rate_the_next_vote_is_fetched_at_once() -> None:
    assert after(*rush(1.0), (2 * WINDOW_SECONDS, 0)) == LOW_LATENCY
    assert after(*rush(1.0), (30.0, 1)) == LOW_LATENCY


def test_a_batch_after_a_long_pause_is_no_high_rate() -> None:
    assert after((60.0, BATCHING_THRESHOLD)) == LOW_LATENCY
