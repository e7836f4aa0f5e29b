"""The one cache of what rendering would compute again: parts of pages, and whole pages.

Cached functions are pure, so no entry is ever out of date; it only costs memory. Each function
owns a table of at most so many results, and an entry belongs to a value or to a record:

- `by_value`: equal arguments share a result. The least recently used result goes first.
- `by_record`: the first argument is an object that never changes, and that has no hash or takes
  too long to compare. The result goes with the object, or before it where it is the oldest.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Record = TypeVar("Record")


class CacheStats(NamedTuple):
    """How often results were there or had to be computed, and how many there are."""

    hits: int = 0
    misses: int = 0
    entries: int = 0


class RenderCache:
    """Tables of results, one for each function that it decorates.

    Args:
        max_entries: Results of each function.
    """

    def __init__(self, max_entries: int) -> None:
        self.max_entries = max_entries
        self._tables: list[Callable[[], CacheStats]] = []

    def by_value(self, function: Callable[P, R]) -> Callable[P, R]:
        """Cache the results of a function for equal arguments, which must be hashable."""
        cached: Any = lru_cache(self.max_entries)(function)

        def stats() -> CacheStats:
            hits, misses, _, entries = cached.cache_info()
            return CacheStats(hits, misses, entries)

        self._tables.append(stats)
        return cached  # type: ignore[no-any-return]

    def by_record(
        self, function: Callable[Concatenate[Record, P], R]
    ) -> Callable[Concatenate[Record, P], R]:
        """Cache the results of a function for one and the same object, while that lives.

        Further arguments are positional and hashable, and compared by value. A result must not
        hold the object, which would then live as long as its entry.
        """
        max_entries = self.max_entries
        compute: Callable[..., R] = function
        entries: OrderedDict[Any, tuple[weakref.ref[Record], R]] = OrderedDict()
        hits = misses = 0

        @wraps(function)
        def cached(record: Record, /, *values: Any) -> R:
            nonlocal hits, misses
            key = (id(record), *values) if values else id(record)
            entry = entries.get(key)
            if entry is not None and entry[0]() is record:
                hits += 1
                return entry[1]
            misses += 1
            result = compute(record, *values)
            while len(entries) >= max_entries:
                entries.popitem(last=False)
            # The entry goes before another object can get the identity.
            entries[key] = weakref.ref(record, lambda _: entries.pop(key, None)), result
            return result

        self._tables.append(lambda: CacheStats(hits, misses, len(entries)))
        return cached  # type: ignore[return-value] # positional arguments alone

    def stats(self) -> CacheStats:
        """The sums over all functions."""
        tables = [table() for table in self._tables]
        return CacheStats(*map(sum, zip(CacheStats(), *tables, strict=True)))


part_cache = RenderCache(max_entries=8192)
"""Parts of pages: cards, reviews, texts. Small, and the same on dozens of pages."""

page_cache = RenderCache(max_entries=256)
"""Whole pages, which are large."""
