"""What all peers share: the same decoding, and how they report."""

import time

from infra.kafka.codec import Codec
from schemas.events import Event
from schemas.topics import VOTES

CODEC = Codec()


def decode(value: bytes) -> Event:
    """Decode one vote."""
    return CODEC.decode(VOTES.name, value)


class Report:
    """Tells how fast `total` votes were counted, from `begin` on."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._count = 0
        self._began = 0.0

    def begin(self) -> None:
        """The partitions are assigned, or the first record is here."""
        self._began = self._began or time.monotonic()

    def add(self, count: int) -> bool:
        """Count a batch that is done; True once all are."""
        self._count += count
        if self._count < self._total:
            return False
        print(f"RATE {self._count / (time.monotonic() - self._began):.1f}", flush=True)
        return True
