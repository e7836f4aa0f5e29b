from streams.api.status.standstill import StandstillWatch
from tests.streams.api.conftest import Timer

PLACE = ("verdicts.votes.v1", 0)
KEY = ("projections_1", PLACE)


def test_only_a_checkpoint_that_does_not_move_before_an_end_stands() -> None:
    timer = Timer()
    watch = StandstillWatch(timer)

    def look(seconds: float, offset: int, end: int) -> float | None:
        timer.seconds = seconds
        return watch.observe({KEY: offset}, {PLACE: end}).get(KEY)

    assert look(0, 5, 6) == 0
    assert look(10, 5, 9) == 10
    assert look(11, 6, 9) == 0
    assert look(15, 9, 9) is None
    assert look(30, 9, 10) == 0
    assert look(42, 9, 11) == 12
