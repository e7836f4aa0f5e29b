"""How often work may run that others wait for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Throttle(NamedTuple):
    """How often a run may start: one that takes `seconds` uses at most a share of the time.

    Attributes:
        max_share: The share, where the interval allows it.
        min_interval: Seconds from the start of a run to the start of the next, at least.
        max_interval: The same, at most.
    """

    max_share: float
    min_interval: float
    max_interval: float

    def interval(self, seconds: float) -> float:
        """Seconds from the start of a run that takes `seconds` to the start of the next."""
        return min(max(self.min_interval, seconds / self.max_share), self.max_interval)


class Timer:
    """Keeps a job to its share of the time; the first run is due at once."""

    def __init__(self, throttle: Throttle, clock: Callable[[], float]) -> None:
        self._throttle = throttle
        self._clock = clock
        self._due = 0.0

    def seconds_until_due(self) -> float:
        """Seconds until the job may run; zero or less where it may run now."""
        return self._due - self._clock()

    @contextmanager
    def run(self) -> Iterator[None]:
        """Measure a run, and choose from its start and length when the next may start."""
        began = self._clock()
        yield
        self._due = began + self._throttle.interval(self._clock() - began)
