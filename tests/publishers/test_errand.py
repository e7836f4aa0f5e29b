"""Work that may wait keeps to its share of the time, and is never late."""

import time

from publishers.publisher import LONGEST_WAIT, Errand


def working(seconds: float) -> bool:
    time.sleep(seconds)
    return True


def test_what_waits_is_done_at_once_and_then_rests_for_its_share():
    errand = Errand(lambda: working(0.02), share=0.1, least=0.0, most=9.0)
    assert errand.idle() == 0
    assert errand.do()
    assert 0.1 < errand.idle() <= 0.2 + 0.18
    assert not errand.do()


def test_it_is_never_late_and_never_too_often():
    late = Errand(lambda: working(0.05), share=0.01, least=0.0, most=0.06)
    often = Errand(lambda: working(0.0), share=1.0, least=0.2, most=0.3)
    assert late.do()
    assert late.idle() <= 0.01
    assert often.do()
    assert 0.1 < often.idle() <= 0.2


def test_what_found_nothing_to_do_waits_until_it_is_told():
    errand = Errand(lambda: False, share=1.0, least=0.0, most=0.0)
    assert not errand.do()
    assert errand.idle() == LONGEST_WAIT
    errand.waits = True
    assert errand.idle() == 0
