"""What is measured, under which name: the one list of the system's Prometheus metrics.

A process exposes `REGISTRY` with `exposition`; what it does not do stays at zero.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Histogram(
    "verdicts_http_request_seconds",
    "Time from a request's head to its answer's end.",
    ("method", "route", "status"),
    buckets=_FAST,
    registry=REGISTRY,
)
EVENTS_RECEIVED = Counter(
    "verdicts_events_received_total",
    "Events that reached the ingest, by type and outcome (accepted, rejected, unknown).",
    ("type", "outcome"),
    registry=REGISTRY,
)
EVENTS_APPLIED = Counter(
    "verdicts_events_applied_total",
    "Events that a projection has applied.",
    ("topic",),
    registry=REGISTRY,
)
APPLY_SECONDS = Histogram(
    "verdicts_apply_seconds",
    "Time of one transaction of a projection.",
    ("topic",),
    buckets=_FAST,
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "verdicts_dead_letters_total",
    "Records that could not be applied and were set aside.",
    ("topic",),
    registry=REGISTRY,
)
FENCE_MISSES = Counter(
    "verdicts_fence_misses_total",
    "Batches whose stored offset was not the expected one.",
    ("topic",),
    registry=REGISTRY,
)
LAG_SECONDS = Gauge(
    "verdicts_lag_seconds",
    "Age of the oldest record that is on the log but not in the projections.",
    ("topic",),
    registry=REGISTRY,
)
CHANGES_RELAYED = Counter(
    "verdicts_changes_relayed_total",
    "Records and tombstones published to the changes topic.",
    ("projection",),
    registry=REGISTRY,
)
PAGES_RENDERED = Counter(
    "verdicts_pages_rendered_total",
    "Pages rendered, by outcome (written, unchanged, removed).",
    ("outcome",),
    registry=REGISTRY,
)
STREAM_CLIENTS = Gauge(
    "verdicts_stream_clients",
    "Readers that follow changes over Server-Sent Events now.",
    registry=REGISTRY,
)


def exposition() -> tuple[bytes, str]:
    """The registry as text, and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
