"""Work that may wait keeps to its share of the time, and is never late."""

import math
import time
from functools import partial

from publishers.build.throttle import Errand


def always() -> bool:
    return True


def working(seconds: float) -> partial[None]:
    return partial(time.sleep, seconds)


def test_what_waits_is_done_at_once_and_then_rests_for_its_share():
    done: list[float] = []

    def work() -> None:
        time.sleep(0.02)
        done.append(time.monotonic())

    errand = Errand(work, always, share=0.1, least=0.0, most=9.0)
    assert errand.idle() == 0
    errand.do()
    assert 0.1 < errand.idle() <= 0.2 + 0.18
    errand.do()
    assert len(done) == 1


def test_it_is_never_late_and_never_too_often():
    late = Errand(working(0.05), always, share=0.01, least=0.0, most=0.06)
    often = Errand(working(0.0), always, share=1.0, least=0.2, most=0.3)
    late.do()
    assert late.idle() <= 0.01
    often.do()
    assert 0.1 < often.idle() <= 0.2


def test_what_has_nothing_to_do_waits_until_there_is_something():
    left: list[str] = []
    errand = Errand(left.clear, lambda: bool(left), share=1.0, least=0.0, most=0.0)
    errand.do()
    assert errand.idle() == math.inf
    left.append("work")
    assert errand.idle() == 0
    errand.do()
    assert not left
