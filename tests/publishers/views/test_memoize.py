import weakref
from collections.abc import Iterator

import pytest

from publishers.views import memoize
from publishers.views.memoize import memoize_by_identity


class Thing(list):
    """What can be looked for once nobody holds it."""


@pytest.fixture(autouse=True)
def keeping() -> Iterator[None]:
    """Others in this process may keep or not."""
    before = memoize._keeping
    memoize.enable()
    yield
    memoize.enable(before)


def test_what_is_made_of_an_object_is_made_once() -> None:
    seen = []
    length = memoize_by_identity(lambda thing: seen.append(thing) or len(thing))
    one, alike = [1, 2], [1, 2]
    assert [length(one), length(one), length(alike), length(one)] == [2, 2, 2, 2]
    assert seen == [one, alike]
    assert seen[1] is alike


def test_the_oldest_are_forgotten_and_made_again() -> None:
    made = []
    keep = memoize_by_identity(lambda thing: made.append(thing[0]))
    things = [[number] for number in range(memoize.MOST + 1)]
    for thing in [*things, things[-1], things[0]]:
        keep(thing)
    assert made == [*range(memoize.MOST + 1), 0]


def test_an_object_that_is_gone_lends_its_identity_to_no_other() -> None:
    first = memoize_by_identity(lambda thing: thing[0])
    assert [first([number]) for number in range(1000)] == list(range(1000))


def test_who_holds_on_to_no_records_is_left_with_none() -> None:
    length, thing = memoize_by_identity(len), Thing([1, 2])
    memoize.enable(False)
    assert length(thing) == 2
    held = weakref.ref(thing)
    del thing
    assert held() is None
