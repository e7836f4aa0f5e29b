"""Work that may wait: how long it does."""

import math
import time
from collections.abc import Callable


class ThrottledJob:
    """Work that may wait, so that it takes no more than its share of the time; but not for long.

    Args:
        run: Does the work.
        waits: Whether there is any. It is asked each time, so no other work that leaves some behind
            has to say so.
        share: Of the time, at most.
        least: Seconds from one run to the next, at least.
        most: The same, at most, whatever its share is then.
    """

    def __init__(
        self,
        run: Callable[[], object],
        waits: Callable[[], bool],
        share: float,
        least: float,
        most: float,
    ) -> None:
        self._run, self._waits = run, waits
        self._share, self._least, self._most = share, least, most
        self._due = 0.0

    def run_if_due(self) -> None:
        """Do it if there is any and it is due."""
        began = time.monotonic()
        if began < self._due or not self._waits():
            return
        self._run()
        took = time.monotonic() - began
        self._due = began + min(max(self._least, took / self._share), self._most)

    def seconds_until_due(self) -> float:
        """Seconds until it wants to be done; infinite while there is none."""
        return max(0.0, self._due - time.monotonic()) if self._waits() else math.inf
