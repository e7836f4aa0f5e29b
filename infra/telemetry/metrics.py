"""The one list of the system's Prometheus metrics.

A process exposes `REGISTRY`: the API on `/metrics`, the other services at VERDICTS_METRICS.
Metrics of other services stay at zero. A `Family` is not counted but read at each scrape; see
`streams.api.status.lag_gauges`.

Processes that share one port count in files of a folder that they share, and each exposes the sums
of all. The client library does so where `SHARED_FOLDER` is set before it is imported.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with the folder in which processes behind one port share their values."""

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
_collectors: list[Collector] = []

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_SIZES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 5_000)
log = structlog.get_logger(__name__)


class Family(NamedTuple):
    """A gauge that is read at each scrape."""

    name: str
    documentation: str
    labels: tuple[str, ...] = ()


REQUESTS = Histogram(
    "verdicts_http_request_seconds",
    "Time from the head of a request to the end of its response, by route; `(page)` is the site.",
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
VOTE_TO_TALLY = Histogram(
    "verdicts_vote_to_tally_seconds",
    "From the broker's acknowledgement of a browser's vote until its tally is read, cut off at "
    "one second.",
    buckets=_FAST,
    registry=REGISTRY,
)
STREAM_CLIENTS = Gauge(
    "verdicts_stream_clients",
    "Open connections that follow changes over Server-Sent Events.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
EVENTS_APPLIED = Counter(
    "verdicts_events_applied_total",
    "Records that a consumer has applied.",
    ("topic",),
    registry=REGISTRY,
)
BATCH_RECORDS = Histogram(
    "verdicts_batch_records",
    "Records per applied batch.",
    ("topic",),
    buckets=_SIZES,
    registry=REGISTRY,
)
APPLY_SECONDS = Histogram(
    "verdicts_apply_seconds",
    "Time to decode a batch and commit its transaction.",
    ("topic",),
    buckets=_FAST,
    registry=REGISTRY,
)
EVENT_AGE = Histogram(
    "verdicts_event_age_seconds",
    "From the time a batch's oldest record was written to the log until it was committed.",
    ("topic",),
    buckets=_SLOW,
    registry=REGISTRY,
)
FENCE_MISSES = Counter(
    "verdicts_fence_misses_total",
    "Batches whose stored offset was not the expected one.",
    ("topic",),
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "verdicts_dead_letters_total",
    "Records that could not be applied and became dead letters, by their original topic.",
    ("topic",),
    registry=REGISTRY,
)
CHANGES_RELAYED = Counter(
    "verdicts_changes_relayed_total",
    "Records and tombstones published to the changes topic.",
    ("kind",),
    registry=REGISTRY,
)
RELAY_SECONDS = Histogram(
    "verdicts_relay_seconds",
    "Time to publish one batch of changes.",
    buckets=_FAST,
    registry=REGISTRY,
)
PAGES_RENDERED = Counter(
    "verdicts_pages_rendered_total",
    "Pages rendered, by outcome: `written`, or `unchanged` where no byte differed.",
    ("outcome",),
    registry=REGISTRY,
)
BUILD_SECONDS = Histogram(
    "verdicts_print_seconds",
    "From the publisher's look at a change until all pages of it that people read are built.",
    buckets=_SLOW,
    registry=REGISTRY,
)
MAILS = Counter(
    "verdicts_mails_total",
    "Attempts to send a mail, by kind (digest, single) and outcome: sent, refused, deferred, "
    "ambiguous, or untried where the server took none.",
    ("kind", "outcome"),
    registry=REGISTRY,
)
RETURNED_MAILS = Counter(
    "verdicts_returned_mails_total",
    "Messages that came back, by kind (hard, soft, complaint, reply, unknown, forged).",
    ("kind",),
    registry=REGISTRY,
)

LAG_EVENTS = Family(
    "verdicts_lag_events",
    "Records on the log that are not applied yet.",
    ("projection", "topic", "partition"),
)
LAG_SECONDS = Family(
    "verdicts_lag_seconds",
    "Age of the oldest record on the log that is not applied yet.",
    ("projection", "topic", "partition"),
)
LIVE_GENERATION = Family("verdicts_live_generation", "1 for the live generation.", ("projection",))
QUEUE_AGE = Family(
    "verdicts_queue_age_seconds",
    "Age of the oldest waiting change: in `outbox` for the relay, in `pages` for the publisher, "
    "and in `backfill` for new pages and checks of files, which come after all others.",
    ("queue",),
)
OLDEST_DIRTY_PAGE = Family(
    "verdicts_oldest_dirty_page_seconds",
    "Age of the oldest change, backfill included, that not all stored pages show; 0 where all do.",
)
QUEUE_LENGTH = Family("verdicts_queue_length", "Waiting changes.", ("queue",))
DEAD_LETTERS_WAITING = Family(
    "verdicts_dead_letters_waiting", "Dead letters that were neither replayed nor discarded."
)
HEARTBEAT_AGE = Family(
    "verdicts_beat_age_seconds",
    "Time since the last heartbeat of a process.",
    ("service", "instance"),
)
VISIBLE = Family(
    "verdicts_chain_visible", "1 when broker and database answered for these gauges, else 0."
)
MAILS_WAITING = Family(
    "verdicts_mails_waiting", "Mails that are due and not sent, by kind.", ("kind",)
)
OLDEST_MAIL = Family(
    "verdicts_oldest_mail_seconds", "Age of the oldest mail that is due and not sent.", ("kind",)
)
MAILS_AMBIGUOUS = Family(
    "verdicts_mails_ambiguous", "Digest mails that may have been sent and wait for a decision."
)

FAMILIES = (
    LAG_EVENTS,
    LAG_SECONDS,
    LIVE_GENERATION,
    QUEUE_AGE,
    QUEUE_LENGTH,
    OLDEST_DIRTY_PAGE,
    DEAD_LETTERS_WAITING,
    HEARTBEAT_AGE,
    VISIBLE,
    MAILS_WAITING,
    OLDEST_MAIL,
    MAILS_AMBIGUOUS,
)


def names() -> Iterator[str]:
    """The name of every possible series, for dashboards and alerts."""
    for metric in REGISTRY.collect():
        yield metric.name
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        yield from (metric.name + suffix for suffix in suffixes.get(metric.type, ()))
    yield from (family.name for family in FAMILIES)


def register(collector: Collector) -> None:
    """Add a collector to what this process exposes."""
    REGISTRY.register(collector)
    _collectors.append(collector)


def exposition() -> tuple[bytes, str]:
    """All metrics as text, and its content type. Reads broker and database, so it blocks.

    Of processes that share a port it has the sums, and no metrics of the process that answers.
    """
    registry = _shared_registry() if SHARED_FOLDER in os.environ else REGISTRY
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _shared_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    for collector in _collectors:
        registry.register(collector)
    return registry


def listen(address: str) -> None:
    """Serve the registry over HTTP at `host:port`, in a thread; an empty address serves nothing.

    A worker works also where the port is taken.
    """
    if address:
        host, _, port = address.rpartition(":")
        try:
            start_http_server(int(port), addr=host.strip("[]"), registry=REGISTRY)
        except OSError as error:
            log.warning("metrics are not served", address=address, reason=str(error))
