"""What the one render cache keeps, for how long, and that no result is ever another's."""

import operator
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from publishers.pages import catalogue
from publishers.render_cache import CacheStats, RenderCache, part_cache
from tests.harness.records import sample_content


class Record(list[int]):
    """A record without a hash, to which weak references are possible, as to our structs."""


def test_a_result_is_computed_once_for_each_object() -> None:
    calls: list[Record] = []

    def measure(record: Record) -> int:
        calls.append(record)
        return len(record)

    length = RenderCache(max_entries=8).by_record(measure)
    first, equal = Record([1, 2]), Record([1, 2])
    assert [length(first), length(first), length(equal), length(first)] == [2, 2, 2, 2]
    assert calls == [first, equal]
    assert calls[1] is equal


def test_a_result_is_computed_once_for_equal_values() -> None:
    calls: list[str] = []

    def shout(text: str) -> str:
        calls.append(text)
        return text.upper()

    loud = RenderCache(max_entries=2).by_value(shout)
    assert [loud(text) for text in ("a", "b", "a", "c", "a", "b")] == ["A", "B", "A", "C", "A", "B"]
    assert calls == ["a", "b", "c", "b"], "the least recently used result goes first"


def test_further_arguments_of_a_record_are_compared_by_value() -> None:
    calls: list[int] = []

    def add(record: Record, number: int) -> int:
        calls.append(number)
        return sum(record) + number

    total = RenderCache(max_entries=8).by_record(add)
    record = Record([1, 2])
    assert [total(record, 1), total(record, 2), total(record, 1)] == [4, 5, 4]
    assert calls == [1, 2]
    assert total(Record([10]), 1) == 11


def test_the_least_recently_used_results_are_dropped_and_computed_again() -> None:
    calls: list[int] = []

    def note_first(record: Record) -> None:
        calls.append(record[0])

    first = RenderCache(max_entries=8).by_record(note_first)
    records = [Record([number]) for number in range(8 + 1)]
    for record in [*records[:8], records[0], records[8], records[0], records[1]]:
        first(record)
    assert calls == [*range(8 + 1), 1]


def test_an_owner_of_entries_stores_and_removes_them_by_key() -> None:
    cache = RenderCache(max_entries=2)
    table = cache.by_key()
    for key in ("a", "b"):
        table.put(key, key.upper())
    assert table.get("a") == "A"
    table.put("c", "C")
    assert [table.get(key) for key in ("a", "b", "c")] == ["A", None, "C"]
    table.put("a", "new")
    table.remove("c")
    assert (table.get("a"), table.get("c")) == ("new", None)
    assert cache.stats() == CacheStats(hits=4, misses=2, entries=1)


def test_the_entries_of_an_owner_go_with_it() -> None:
    cache = RenderCache(max_entries=2)
    table = cache.by_key()
    table.put("a", 1)
    assert cache.stats().entries == 1
    del table
    assert cache.stats().entries == 0


def test_threads_share_a_table() -> None:
    cache = RenderCache(max_entries=3)
    double = cache.by_record(lambda record: record[0] * 2)
    records = [Record([number]) for number in range(6)]

    def use(turn: int) -> bool:
        return all(double(record) == 2 * record[0] for record in (records * 200)[turn:])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(8)))
    assert cache.stats().entries == 3


def test_a_reused_identity_never_gives_another_objects_result() -> None:
    cache = RenderCache(max_entries=8192)
    first: Callable[[Record], int] = cache.by_record(operator.itemgetter(0))
    assert [first(Record([number])) for number in range(1000)] == list(range(1000))


def test_a_result_goes_with_its_record() -> None:
    cache = RenderCache(max_entries=8)
    length, record = cache.by_record(len), Record([1, 2])
    assert length(record) == 2
    assert cache.stats() == CacheStats(hits=0, misses=1, entries=1)
    reference = weakref.ref(record)
    del record
    assert reference() is None
    assert cache.stats() == CacheStats(hits=0, misses=1, entries=0)


def test_hits_and_misses_of_all_functions_are_counted() -> None:
    cache, record = RenderCache(max_entries=8), Record([3])
    length, absolute = cache.by_record(len), cache.by_value(abs)
    for _ in range(3):
        length(record)
        absolute(-1)
    assert cache.stats() == CacheStats(hits=4, misses=2, entries=2)


def test_no_part_of_a_page_keeps_a_tool_alive() -> None:
    content = sample_content()
    for path in catalogue.page_paths(content):
        catalogue.render(content, path, "https://verdicts.example")
    tools = [weakref.ref(tool) for tool in content.tools()]
    before = part_cache.stats().entries
    del content
    assert [tool() for tool in tools] == [None] * len(tools)
    assert part_cache.stats().entries < before
