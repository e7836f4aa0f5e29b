"""When to answer without waiting for tally and page."""

import time
from collections.abc import Callable

MAX_WAITING_RATE = 300
"""Changes a second above which a response waits for the broker alone.

Above it, waiting for tally and page would only make every voter wait longer. The response then has
the newest cached tally, and the page gets the rest from `/v1/changes`.
"""
MAX_WAITERS = 100
"""Voters that wait for their page at once; the next ones wait for the broker alone.

Without this bound slow waits would keep arrivals below the rate, however long the waits are.
"""


class ArrivalRate:
    """Counts arrivals and compares them with `MAX_WAITING_RATE`.

    Args:
        clock: Monotonic seconds.
    """

    WINDOW = 0.25

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._window = 0
        self._current = self._previous = 0

    def arrive(self) -> bool:
        """Count one arrival; whether this window and the one before exceed the rate."""
        window = int(self._clock() / self.WINDOW)
        if window != self._window:
            self._previous = self._current if window == self._window + 1 else 0
            self._window, self._current = window, 0
        self._current += 1
        return self._current + self._previous > MAX_WAITING_RATE * 2 * self.WINDOW
