"""Times and ids that the server gives to events which bring none."""

import time
from collections.abc import Callable
from random import Random

import msgspec

# An id has to be one of its kind, not hard to guess, so no system call is made for it.
_chance = Random()  # noqa: S311

FUTURE = 5 * 60 * 1_000_000
"""How far ahead of our clock an event's time may be, in microseconds."""


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


class MonotonicClock:
    """Gives strictly increasing times, also when the clock stands still or jumps back.

    Args:
        clock: Microseconds since 1970.
    """

    def __init__(self, clock: Callable[[], int] = now) -> None:
        self.clock = clock
        self._last = 0

    def next(self) -> int:
        """A time after every time given before."""
        self._last = max(self.clock(), self._last + 1)
        return self._last

    def after(self, last: int) -> int:
        """A time after every time given before and after `last`.

        A `last` of another server whose clock is ahead moves this stamp only, not later ones.
        """
        return max(self.next(), last + 1)


def new_id(micros: int) -> str:
    """A UUID of version 7 for a time: ids of later times are greater, as text too."""
    millis, rest = divmod(micros, 1000)
    bits = millis << 80 | 7 << 76 | (rest * 4096 // 1000) << 64 | 2 << 62 | _chance.getrandbits(62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class FakeClock(msgspec.Struct):
    """A clock that stands still until it is moved.

    Attributes:
        micros: Microseconds since 1970.
    """

    micros: int = 1_763_632_800_000_000  # 2025-11-20T10:00:00Z

    def __call__(self) -> int:
        """The time that it shows."""
        return self.micros

    def move(self, seconds: float) -> None:
        """Show a time `seconds` later."""
        self.micros += int(seconds * 1_000_000)
