"""Times and ids for events that bring none."""

import time
from collections.abc import Callable
from random import Random

import msgspec

# An id must be unique, not hard to guess, so it needs no system call.
_random = Random()  # noqa: S311


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


class MonotonicClock:
    """Gives strictly increasing times, also when the wall clock stops or jumps back.

    Args:
        now: The wall clock, in microseconds since 1970.
    """

    def __init__(self, now: Callable[[], int] = now) -> None:
        self.now = now
        self._last = 0

    def next_time(self) -> int:
        """A time after every time given before."""
        self._last = max(self.now(), self._last + 1)
        return self._last

    def time_after(self, last: int) -> int:
        """A time after every time given before and after `last`.

        A `last` from a server whose clock is ahead moves this time only, not later ones.
        """
        return max(self.next_time(), last + 1)


def new_id(micros: int) -> str:
    """A UUID of version 7 for a time: ids of later times are greater, as text too."""
    millis, rest = divmod(micros, 1000)
    bits = millis << 80 | 7 << 76 | (rest * 4096 // 1000) << 64 | 2 << 62 | _random.getrandbits(62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class FakeClock(msgspec.Struct):
    """A clock that only `move` advances.

    Attributes:
        micros: Microseconds since 1970.
    """

    micros: int = 1_763_632_800_000_000  # 2025-11-20T10:00:00Z

    def __call__(self) -> int:
        """The current time."""
        return self.micros

    def move(self, seconds: float) -> None:
        """Add `seconds` to the time."""
        self.micros += int(seconds * 1_000_000)
