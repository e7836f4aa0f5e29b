"""Times and ids of events."""

from streams.api.ingest.event_clock import FakeClock, MonotonicClock, new_id


def test_times_increase_while_the_clock_stops_or_goes_back() -> None:
    clock = FakeClock()
    times = MonotonicClock(clock)
    first, second = times.next_time(), times.next_time()
    clock.move(-60)
    assert first < second < times.next_time()


def test_a_time_from_a_clock_ahead_moves_only_its_own_voter() -> None:
    times = MonotonicClock(FakeClock(micros=1000))
    assert times.time_after(9_000_000) == 9_000_001
    assert times.next_time() == 1001


def test_ids_of_later_times_are_greater_as_text() -> None:
    ids = [new_id(micros) for micros in range(1_763_632_800_000_000, 1_763_632_800_002_000)]
    assert ids == sorted(ids)
    assert {(len(name), name[14], name[19] in "89ab") for name in ids} == {(36, "7", True)}
