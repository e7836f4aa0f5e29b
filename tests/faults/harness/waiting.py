"""Waiting for what must happen, with a deadline; never for time to pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Generous, since the machine may be busy; what is reached sooner is gone on from sooner.
PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.02


def until(
    what: str,
    look: Callable[[], T],
    seconds: float = PATIENCE_SECONDS,
    *,
    looks: float = _LOOK_SECONDS,
) -> T:
    """Look again and again until something is found, and give it.

    Raises:
        AssertionError: it was not found in time; the message says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain until {what}")
        time.sleep(looks)
    return found


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._began, 2)
