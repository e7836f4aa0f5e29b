"""How long a broker gathers records before it answers a fetch.

At a low rate it answers as soon as there is any record. At a high rate that would make a round
through broker, consumer, Faust and database of every record or two, and the rounds themselves would
take most of the time, so it gathers for a few milliseconds. The broker does the waiting
(fetch.min.bytes, fetch.max.wait.ms): its answer includes what arrived meanwhile on any partition.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

# Records per second from which gathering pays.
BATCHING_THRESHOLD = 60
WINDOW_SECONDS = 0.1


class FetchSettings(NamedTuple):
    """A fetch is answered once there are so many bytes, or after so long."""

    min_bytes: int
    max_wait_ms: int


# An empty answer may take this long, and a seek waits for the fetch under way. There nearly always
# is one: aiokafka fetches from the committed offset as soon as it has partitions, before the
# checkpoints are known. Faust's own 1.5 s would be lost at each such start.
LOW_LATENCY = FetchSettings(1, 200)
# With 25 ms a thousand votes per second were on their pages sooner than with 10 ms, in each of five
# alternating runs on a machine with saturated processors.
BATCHED = FetchSettings(1 << 16, 25)


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
            self._settings = BATCHED if self._count > BATCHING_THRESHOLD * seconds else LOW_LATENCY
            self._since, self._count = self._since + seconds, 0
        return self._settings
