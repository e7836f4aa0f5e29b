"""What a producer hears of its records."""

import msgspec
import pytest

from infra.kafka.acknowledgement.delivery_watch import DeliveryWatch
from infra.kafka.delivery import Delivery, DeliveryUnknown, NotWritten, Outcome

DELIVERED = Delivery("t", 0, 7)


class Clock(msgspec.Struct):
    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> DeliveryWatch:
    return DeliveryWatch(clock)


def test_records_that_wait_for_five_seconds_are_a_fault_until_one_is_acknowledged(
    clock: Clock, watch: DeliveryWatch
) -> None:
    watch.sent()
    watch.sent()
    clock.seconds += 4.9
    assert watch.fault == ""
    clock.seconds += 0.1
    assert watch.fault == "The broker has acknowledged nothing for 5 s, though records wait."
    watch.resolved(DELIVERED)
    assert watch.fault == ""
    clock.seconds += 5
    assert "nothing for 5 s" in watch.fault


def test_silence_counts_from_the_first_record_after_all_others(
    clock: Clock, watch: DeliveryWatch
) -> None:
    watch.sent()
    watch.resolved(DELIVERED)
    clock.seconds += 60
    watch.sent()
    assert watch.fault == ""


@pytest.mark.parametrize("outcome", [DeliveryUnknown("timed out"), NotWritten("refused")])
def test_a_failed_delivery_is_a_fault_until_another_succeeds_or_half_a_minute_has_passed(
    clock: Clock, watch: DeliveryWatch, outcome: Outcome
) -> None:
    for _ in range(2):
        watch.sent()
        watch.resolved(outcome)
        clock.seconds += 29
        assert watch.fault == "The broker did not acknowledge the last record that was sent."
        clock.seconds += 1
        assert watch.fault == ""
    watch.sent()
    watch.resolved(outcome)
    watch.sent()
    watch.resolved(DELIVERED)
    assert watch.fault == ""


def test_a_record_that_is_too_large_says_nothing_of_the_broker(watch: DeliveryWatch) -> None:
    watch.sent()
    watch.resolved(NotWritten("too large", too_large=True))
    assert watch.fault == ""
