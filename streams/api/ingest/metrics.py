"""Metrics that are looked up once, not for each event."""

from functools import cache
from itertools import product

from prometheus_client import Counter

from infra.telemetry.metrics import EVENTS_RECEIVED
from schemas.events import EVENT_TYPES

OUTCOMES = ("accepted", "rejected", "unknown")


@cache
def received(kind: str, outcome: str) -> Counter:
    """Counts the events of a type (empty when not readable) with an outcome."""
    return EVENTS_RECEIVED.labels(kind, outcome)


# A series that began with its first burst would show no increase, and alarm nobody.
for _kind, _outcome in (*product(EVENT_TYPES, OUTCOMES), ("", "rejected")):
    received(_kind, _outcome)
