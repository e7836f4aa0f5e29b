"""The client's ledger: the outcome of every event, as far as the client knows it."""

import threading
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from schemas.events import Event


class Outcome(StrEnum):
    """The answer that a client got for an event."""

    UNKNOWN = "unknown"
    REJECTED = "rejected"
    ACKNOWLEDGED = "acknowledged"


# What a later try teaches: an acknowledgement settles it, a doubt outweighs an earlier refusal.
_WEIGHT = {Outcome.REJECTED: 0, Outcome.UNKNOWN: 1, Outcome.ACKNOWLEDGED: 2}


class Ledger:
    """Events by id, as the log holds them, with the outcome of all tries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.events: dict[str, Event] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.tries: Counter[str] = Counter()

    def sending(self, events: Iterable[Event]) -> None:
        """Note events before they go out: from here on they may have arrived."""
        with self._lock:
            for event in events:
                self.events[event.id] = event
                self.tries[event.id] += 1

    def note(self, id_: str, outcome: Outcome) -> None:
        with self._lock:
            known = self.outcomes.get(id_)
            if known is None or _WEIGHT[known] < _WEIGHT[outcome]:
                self.outcomes[id_] = outcome

    def outcome(self, id_: str) -> Outcome:
        """The outcome of an event; without any answer it is unknown."""
        return self.outcomes.get(id_, Outcome.UNKNOWN)

    def having(self, outcome: Outcome) -> list[Event]:
        with self._lock:
            return [event for event in self.events.values() if self.outcome(event.id) is outcome]

    def count(self, outcome: Outcome) -> int:
        return len(self.having(outcome))
