import operator
import weakref
from collections.abc import Callable, Iterator

import pytest

from publishers.views import memoize
from publishers.views.memoize import memoize_by_identity


class Record(list[int]):
    """A record to which weak references are possible."""


@pytest.fixture(autouse=True)
def memoizing() -> Iterator[None]:
    """Memoization switched on, and afterwards as it was for other tests of this process."""
    before = memoize.enable()
    yield
    memoize.enable(before)


def test_a_result_is_computed_once_for_each_object() -> None:
    calls: list[list[int]] = []

    def measure(record: list[int]) -> int:
        calls.append(record)
        return len(record)

    length = memoize_by_identity(measure)
    first, equal = [1, 2], [1, 2]
    assert [length(first), length(first), length(equal), length(first)] == [2, 2, 2, 2]
    assert calls == [first, equal]
    assert calls[1] is equal


def test_the_oldest_results_are_dropped_and_computed_again() -> None:
    calls: list[int] = []

    def note_first(record: list[int]) -> None:
        calls.append(record[0])

    first = memoize_by_identity(note_first)
    records = [[number] for number in range(memoize.MAX_ENTRIES + 1)]
    for record in [*records, records[-1], records[0]]:
        first(record)
    assert calls == [*range(memoize.MAX_ENTRIES + 1), 0]


def test_a_reused_identity_never_gives_another_objects_result() -> None:
    first: Callable[[list[int]], int] = memoize_by_identity(operator.itemgetter(0))
    assert [first([number]) for number in range(1000)] == list(range(1000))


def test_without_memoization_no_record_is_kept_alive() -> None:
    length, record = memoize_by_identity(len), Record([1, 2])
    memoize.enable(False)
    assert length(record) == 2
    reference = weakref.ref(record)
    del record
    assert reference() is None
