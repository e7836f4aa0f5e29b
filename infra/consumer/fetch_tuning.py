"""How long a broker gathers before it answers a fetch.

While little comes, it answers as soon as there is anything. While much comes, that would be a round
through broker, consumer, Faust and database for every record or two, and the rounds themselves
would be what everybody waits for. Then it gathers for a few milliseconds. It is the broker who
does, and not we who rest before we ask: what comes meanwhile is in the answer, whatever partition
it came to.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

# Records a second from which gathering pays.
BATCHING_THRESHOLD = 300
WINDOW_SECONDS = 0.1


class FetchSettings(NamedTuple):
    """What a fetch asks for: to be answered once there are so many bytes, or after so long."""

    min_bytes: int
    max_wait_ms: int


# An answer that brings nothing may take this long. A seek must wait for it where a fetch is under
# way, and one nearly always is: aiokafka fetches from the committed offset as soon as it has
# partitions, before the checkpoints are known. Faust's own 1.5 s would be lost at each such start.
LOW_LATENCY = FetchSettings(1, 200)
# With 25 ms a thousand votes a second were on their pages sooner than with 10, in each of five runs
# in turn on a machine whose processors had no rest left.
BATCHED = FetchSettings(1 << 16, 25)


class FetchTuner:
    """Tells from what was fetched lately what the next fetch should ask for.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._count = 0
        self._patience = LOW_LATENCY

    def update(self, records: int) -> FetchSettings:
        """Note that so many records were fetched; what to ask for now."""
        self._count += records
        seconds = self._clock() - self._since
        if seconds >= WINDOW_SECONDS:
            self._patience = BATCHED if self._count > BATCHING_THRESHOLD * seconds else LOW_LATENCY
            self._since, self._count = self._since + seconds, 0
        return self._patience
