"""Waits for what must happen, with a deadline; never for time to pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Generous, since the machine may be busy; a test goes on as soon as the condition holds.
MAX_SECONDS = 60.0
PAUSE_SECONDS = 0.02


def wait_until(
    what: str,
    look: Callable[[], T],
    holds: Callable[[T], bool] = bool,
    *,
    seconds: float = MAX_SECONDS,
    pause: float = PAUSE_SECONDS,
) -> T:
    """Look until the condition holds for the value, and return the value.

    Args:
        what: The condition as a sentence, for the error.
        look: Gets the value anew.
        holds: The condition; by default the value's truth.
        seconds: How long to wait at most.
        pause: Seconds between two looks.

    Raises:
        AssertionError: it did not hold in time; the message has the condition and the last value.
    """
    deadline = time.monotonic() + seconds
    while not holds(value := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s still not: {what}; last seen: {value!r}")
        time.sleep(pause)
    return value


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._began, 2)
