"""Memoization by identity, for processes that keep their records."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MAX_ENTRIES = 8192
_enabled = False


def enable(yes: bool = True) -> bool:
    """Switch memoization on or off for this process; return whether it was on.

    The publisher keeps its records, so it switches it on. A process that reads new records for
    each request would never hit.
    """
    global _enabled
    before, _enabled = _enabled, yes
    return before


def memoize_by_identity(function: Callable[[T], R]) -> Callable[[T], R]:
    """Remember a function's result for an object, as long as it is the very same object.

    Records are frozen, but they hold lists and so have no hash; comparing them takes longer than
    most functions take. The oldest entries go first. Has an effect only once `enable` was called.
    """
    results: dict[int, tuple[T, R]] = {}

    @wraps(function)
    def memoized(record: T) -> R:
        if not _enabled:
            return function(record)
        # An entry keeps its object alive, so no other object can have its identity.
        entry = results.get(id(record))
        if entry is not None:
            return entry[1]
        result = function(record)
        while len(results) >= MAX_ENTRIES:
            results.pop(next(iter(results)), None)
        results[id(record)] = record, result
        return result

    return memoized
