"""What all peers share: the same decoding, and how they report."""

import time

from infra.codec import Codec
from schemas.events import Event
from schemas.topics import VOTES

CODEC = Codec()


def decode(value: bytes) -> Event:
    """Decode one vote."""
    return CODEC.decode(VOTES.name, value)


class Report:
    """Tells when the first batch and when all of `total` votes were counted."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._count = self._first = 0
        self._began = 0.0

    def add(self, count: int) -> bool:
        """Count a batch that is done; True once all are."""
        if not self._count:
            self._began, self._first = time.monotonic(), count
        self._count += count
        if self._count < self._total:
            return False
        seconds = time.monotonic() - self._began
        print(f"RATE {(self._count - self._first) / seconds:.1f}", flush=True)
        return True
