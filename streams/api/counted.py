"""Metrics that are looked up once, not for each event."""

from functools import cache

from prometheus_client import Counter

from infra.metrics import EVENTS_RECEIVED


@cache
def received(kind: str, outcome: str) -> Counter:
    """Counts the events of a type (empty when not readable) with an outcome."""
    return EVENTS_RECEIVED.labels(kind, outcome)
