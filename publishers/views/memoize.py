"""What is made of a record that never changes is made once, where records stay."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST = 8192
_keeping = False


def enable(yes: bool = True) -> None:
    """Keep from now on what is made in this process, or no longer.

    For a process that holds on to its records, as the publisher does. To others, who read new ones
    for each request, what was made of the old ones is of no use.
    """
    global _keeping
    _keeping = yes


def memoize_by_identity(make: Callable[[T], R]) -> Callable[[T], R]:
    """Keep what a function gives for an object, as long as that is the very same object.

    Records are frozen, but they hold lists and so have no hash, and to compare them takes longer
    than most of what is made of them. The oldest are forgotten first. See `keep`.
    """
    kept: dict[int, tuple[T, R]] = {}

    @wraps(make)
    def recall(thing: T) -> R:
        if not _keeping:
            return make(thing)
        # What is kept keeps its object alive, so no other one can have its identity.
        found = kept.get(id(thing))
        if found is not None:
            return found[1]
        made = make(thing)
        while len(kept) >= MOST:
            kept.pop(next(iter(kept)), None)
        kept[id(thing)] = thing, made
        return made

    return recall
