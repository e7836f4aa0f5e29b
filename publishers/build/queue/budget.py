"""Time that work may take while other work waits."""

from collections.abc import Callable

MAX_SECONDS = 0.05
"""What an unused budget grows to, so that no work takes more than a moment in one piece."""


class Budget:
    """Seconds that work may take: they grow with the clock, and shrink by what was spent.

    Args:
        share: Seconds that are added in a second.
        clock: Seconds that only go forward.
    """

    def __init__(self, share: float, clock: Callable[[], float]) -> None:
        self._share = share
        self._clock = clock
        self._seconds, self._at = MAX_SECONDS, clock()

    def spend(self, seconds: float) -> None:
        """Take seconds off; there may be less than nothing left, but not less than a second."""
        self._seconds = max(self._left() - seconds, -self._share)
        self._at = self._clock()

    def seconds_until_left(self) -> float:
        """Seconds until something is left; zero where something is left now."""
        return max(0.0, -self._left() / self._share)

    def _left(self) -> float:
        grown = self._share * (self._clock() - self._at)
        return min(self._seconds + grown, MAX_SECONDS)
