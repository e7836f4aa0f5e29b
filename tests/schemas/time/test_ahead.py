"""An acknowledged event is never too far ahead of its record, whatever the clocks say."""

import pytest

from schemas.time.ahead import MAX_AHEAD, is_too_far_ahead, record_timestamp
from tests.harness.examples import DAY, HOUR, NOON


@pytest.mark.parametrize("ahead", [-DAY, 0, 1, MAX_AHEAD, MAX_AHEAD + 1, HOUR + 999, DAY])
def test_a_record_that_we_write_is_not_passed_over(ahead: int) -> None:
    time = NOON + ahead
    assert not is_too_far_ahead(time, record_timestamp(time, NOON))


@pytest.mark.parametrize("ahead", [-DAY, 0, MAX_AHEAD])
def test_a_record_has_the_time_of_writing_wherever_that_will_do(ahead: int) -> None:
    assert record_timestamp(NOON + ahead, NOON) == NOON // 1000
