"""Work that may wait keeps to its share of the time, and is never late."""

import math
import time
from functools import partial

from publishers.build.throttle import ThrottledJob


def always() -> bool:
    return True


def working(seconds: float) -> partial[None]:
    return partial(time.sleep, seconds)


def test_what_waits_is_done_at_once_and_then_rests_for_its_share() -> None:
    done: list[float] = []

    def work() -> None:
        time.sleep(0.02)
        done.append(time.monotonic())

    errand = ThrottledJob(work, always, share=0.1, least=0.0, most=9.0)
    assert errand.seconds_until_due() == 0
    errand.run_if_due()
    assert 0.1 < errand.seconds_until_due() <= 0.2 + 0.18
    errand.run_if_due()
    assert len(done) == 1


def test_it_is_never_late_and_never_too_often() -> None:
    late = ThrottledJob(working(0.05), always, share=0.01, least=0.0, most=0.06)
    often = ThrottledJob(working(0.0), always, share=1.0, least=0.2, most=0.3)
    late.run_if_due()
    assert late.seconds_until_due() <= 0.01
    often.run_if_due()
    assert 0.1 < often.seconds_until_due() <= 0.2


def test_what_has_nothing_to_do_waits_until_there_is_something() -> None:
    left: list[str] = []
    errand = ThrottledJob(left.clear, lambda: bool(left), share=1.0, least=0.0, most=0.0)
    errand.run_if_due()
    assert errand.seconds_until_due() == math.inf
    left.append("work")
    assert errand.seconds_until_due() == 0
    errand.run_if_due()
    assert not left
