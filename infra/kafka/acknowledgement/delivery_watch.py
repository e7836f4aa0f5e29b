"""What a producer hears of its records: whether the cluster acknowledges them."""

import time
from collections.abc import Callable

from infra.kafka.delivery import Delivery, NotWritten, Outcome

STALLED_SECONDS = 5.0
"""Records in flight without any acknowledgement for so long mean that none comes."""
REMEMBERED_SECONDS = 30.0
"""How long a failed delivery counts that no delivery has followed."""


class DeliveryWatch:
    """Notes records in flight and their outcomes.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._in_flight = 0
        self._waiting_since = 0.0
        self._failed_at: float | None = None

    def sent(self) -> None:
        """Note a record that is now in flight."""
        if not self._in_flight:
            self._waiting_since = self._clock()
        self._in_flight += 1

    def resolved(self, outcome: Outcome) -> None:
        """Note the outcome of a record that was in flight."""
        self._in_flight -= 1
        if isinstance(outcome, Delivery):
            self._waiting_since = self._clock()
            self._failed_at = None
        elif not (isinstance(outcome, NotWritten) and outcome.too_large):
            self._failed_at = self._clock()

    @property
    def fault(self) -> str:
        """Why a record sent now would not be acknowledged, in a sentence; empty if it would."""
        now = self._clock()
        waited = now - self._waiting_since if self._in_flight else 0.0
        if waited >= STALLED_SECONDS:
            return f"The broker has acknowledged nothing for {waited:.0f} s, though records wait."
        if self._failed_at is not None and now - self._failed_at < REMEMBERED_SECONDS:
            return "The broker did not acknowledge the last record that was sent."
        return ""
