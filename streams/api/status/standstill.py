"""Measures by our own clock how long a checkpoint has not moved while records wait behind it."""

import time
from collections.abc import Callable, Mapping

from schemas.topics import TopicPartition

Key = tuple[str, TopicPartition]


class StandstillWatch:
    """Remembers since when each checkpoint has stood before the end of its log.

    Timestamps of records come from producers' clocks. A record dated ahead hides the age of all
    that follow it; a second look at the same checkpoint does not depend on them.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[Key, tuple[int, float]] = {}

    def observe(
        self, offsets: Mapping[Key, int], ends: Mapping[TopicPartition, int]
    ) -> Mapping[Key, float]:
        """Take note of checkpoints; returns for how many seconds those before an end have stood."""
        now = self._clock()
        waiting = {key: offset for key, offset in offsets.items() if offset < ends[key[1]]}
        self._since = {
            key: (offset, self._first_seen(key, offset, now)) for key, offset in waiting.items()
        }
        return {key: now - since for key, (_, since) in self._since.items()}

    def _first_seen(self, key: Key, offset: int, now: float) -> float:
        before, since = self._since.get(key, (offset, now))
        return since if before == offset else now
