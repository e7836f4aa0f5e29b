"""The one cache of what rendering would compute again: parts of pages, and whole pages.

There is a table of at most so many results for each function; the least recently used result goes
first. An entry belongs to a value, to a record, or to a key:

- `by_value`: equal arguments share a result. The function is pure, so no entry is out of date.
- `by_record`: the first argument is an object that never changes, and that has no hash or takes
  too long to compare. The result goes with the object at the latest.
- `by_key`: the owner stores entries, and checks whether one is still current.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Record = TypeVar("Record")
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class CacheStats(NamedTuple):
    """How often results were there or had to be computed, and how many there are."""

    hits: int = 0
    misses: int = 0
    entries: int = 0


class CacheTable(Generic[Key, Value]):
    """Values by key; threads may share it."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self._hits = self._misses = 0

    def get(self, key: Key) -> Value | None:
        """The value of a key, which becomes the most recently used one."""
        try:
            self._entries.move_to_end(key)
            value = self._entries[key]
        except KeyError:  # never stored, or dropped by another thread just now
            self._misses += 1
            return None
        self._hits += 1
        return value

    def put(self, key: Key, value: Value) -> None:
        """Store a value, and drop the least recently used ones beyond the bound."""
        self._entries.pop(key, None)
        self._entries[key] = value
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def remove(self, key: Key) -> None:
        """Drop the value of a key, if there is one."""
        self._entries.pop(key, None)

    def stats(self) -> CacheStats:
        """Hits and misses since the start, and the present number of values."""
        return CacheStats(self._hits, self._misses, len(self._entries))


class RenderCache:
    """The tables of all functions whose results are of one size.

    Args:
        max_entries: Results in each table.
    """

    def __init__(self, max_entries: int) -> None:
        self.max_entries = max_entries
        self._functions: list[Callable[[], CacheStats]] = []
        self._tables: weakref.WeakSet[CacheTable[Any, Any]] = weakref.WeakSet()

    def by_value(self, function: Callable[P, R]) -> Callable[P, R]:
        """Cache the results of a function for equal arguments, which must be hashable."""
        cached: Any = lru_cache(self.max_entries)(function)

        def stats() -> CacheStats:
            hits, misses, _, entries = cached.cache_info()
            return CacheStats(hits, misses, entries)

        self._functions.append(stats)
        return cached  # type: ignore[no-any-return]

    def by_record(
        self, function: Callable[Concatenate[Record, P], R]
    ) -> Callable[Concatenate[Record, P], R]:
        """Cache the results of a function for one and the same object, while that lives.

        Further arguments are positional and hashable, and compared by value. A result must not
        hold the object, which would then live as long as its entry.
        """
        table: CacheTable[Any, tuple[weakref.ref[Record], R]] = CacheTable(self.max_entries)
        compute: Callable[..., R] = function

        @wraps(function)
        def cached(record: Record, /, *values: Any) -> R:
            key = (id(record), *values) if values else id(record)
            entry = table.get(key)
            if entry is not None and entry[0]() is record:
                return entry[1]
            result = compute(record, *values)
            # The entry goes before another object can get the identity.
            table.put(key, (weakref.ref(record, lambda _: table.remove(key)), result))
            return result

        self._functions.append(table.stats)
        return cached  # type: ignore[return-value] # positional arguments alone

    def by_key(self) -> CacheTable[Any, Any]:
        """A table of its owner's own."""
        table: CacheTable[Any, Any] = CacheTable(self.max_entries)
        self._tables.add(table)
        return table

    def stats(self) -> CacheStats:
        """The sums over all tables."""
        tables = [stats() for stats in self._functions]
        tables += [table.stats() for table in self._tables]
        return CacheStats(*map(sum, zip(CacheStats(), *tables, strict=True)))


part_cache = RenderCache(max_entries=8192)
"""Parts of pages: cards, reviews, texts. Small, and the same on dozens of pages."""

page_cache = RenderCache(max_entries=256)
"""Whole pages; most have some ten kilobytes."""
