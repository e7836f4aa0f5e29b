"""How long a broker gathers records before it answers a fetch.

At a low rate it answers as soon as there is any record. At a high rate that would make a round
through broker, consumer, Faust and database of every record or two, and the rounds themselves would
take most of the time, so it gathers for a few milliseconds. The broker does the waiting
(fetch.min.bytes, fetch.max.wait.ms): its answer includes what arrived meanwhile on any partition.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

WINDOW_SECONDS = 0.1


class FetchSettings(NamedTuple):
    """A fetch is answered once there are so many bytes, or after so long."""

    min_bytes: int
    max_wait_ms: int


# An empty answer may take this long, and a seek waits for the fetch under way. There nearly always
# is one: aiokafka fetches from the committed offset as soon as it has partitions, before the
# checkpoints are known. Faust's own 1.5 s would be lost at each such start.
LOW_LATENCY = FetchSettings(1, 200)
# By the records per second from which they pay. On two saturated processors, runs in turn: pages
# show a hundred votes per second sooner with 25 ms than at once, a thousand sooner with 50 ms than
# with 25.
BATCHED = {500: FetchSettings(1 << 16, 50), 60: FetchSettings(1 << 16, 25)}


class FetchTuner:
    """Chooses the settings of the next fetch by the rate of the last ones.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._count = 0
        self._settings = LOW_LATENCY

    def update(self, records: int) -> FetchSettings:
        """Count fetched records; give the settings of the next fetch."""
        self._count += records
        seconds = self._clock() - self._since
        if seconds >= WINDOW_SECONDS:
            rate = self._count / seconds
            reached = (settings for least, settings in BATCHED.items() if rate > least)
            self._settings = next(reached, LOW_LATENCY)
            self._since, self._count = self._since + seconds, 0
        return self._settings
