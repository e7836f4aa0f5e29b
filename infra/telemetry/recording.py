"""Records the metrics of `infra.telemetry.metrics`, once per batch."""

import time
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from infra.telemetry.metrics import (
    APPLY_SECONDS,
    BATCH_RECORDS,
    BUILD_SECONDS,
    CHANGES_RELAYED,
    DEAD_LETTERS,
    EVENT_AGE,
    EVENTS_APPLIED,
    FENCE_MISSES,
    MAILS,
    PAGES_RENDERED,
    RELAY_SECONDS,
    RETURNED_MAILS,
)
from schemas.topics import EVENT_TOPICS


def applied(topic: str, records: int, oldest: int, seconds: float) -> None:
    """Record a batch that is applied.

    Args:
        topic: Its topic.
        records: Number of its records.
        oldest: When its first record was written, in milliseconds since 1970.
        seconds: Time to decode and commit it.
    """
    _child(FENCE_MISSES, topic)  # a counter that began with its first miss would show no increase
    _child(APPLY_SECONDS, topic).observe(seconds)
    _child(EVENTS_APPLIED, topic).inc(records)
    _child(BATCH_RECORDS, topic).observe(records)
    _child(EVENT_AGE, topic).observe(max(0.0, time.time() - oldest / 1000))


def mismatched(topic: str) -> None:
    """Record a batch that did not begin at the checkpoint."""
    _child(FENCE_MISSES, topic).inc()


def dead_lettered(topics: Iterable[str]) -> None:
    """Record dead letters, given the original topic of each."""
    for topic, number in Counter(topics).items():
        _child(DEAD_LETTERS, topic).inc(number)


def relayed(kinds: Iterable[str], seconds: float) -> None:
    """Record a published batch of changes, given the kind of each."""
    RELAY_SECONDS.observe(seconds)
    for kind, number in Counter(kinds).items():
        _child(CHANGES_RELAYED, kind).inc(number)


def built(seconds: float) -> None:
    """The pages of a change that people read were built, so long after the change was read."""
    BUILD_SECONDS.observe(seconds)


def pages(rendered: int, changed: int) -> None:
    """The publisher rendered pages, some of which changed."""
    _child(PAGES_RENDERED, "written").inc(changed)
    _child(PAGES_RENDERED, "unchanged").inc(rendered - changed)


def mail_attempted(kind: str, outcome: str) -> None:
    """An attempt to send a mail ended.

    Args:
        kind: `digest` or `single`.
        outcome: `sent`, `refused`, `deferred`, `ambiguous` or `untried`.
    """
    _child(MAILS, kind, outcome).inc()


def mail_returned(kind: str) -> None:
    """A bounce, a complaint or a reply came back."""
    _child(RETURNED_MAILS, kind).inc()


@cache
def _child(metric: Any, *labels: str) -> Any:
    """A labelled metric, looked up once."""
    return metric.labels(*labels)


# A series that began with its first burst would show no increase, and fire no alert.
for _topic in EVENT_TOPICS:
    _child(DEAD_LETTERS, _topic.name)
for _outcome in ("sent", "refused", "deferred", "ambiguous", "untried"):
    for _kind in ("digest", "single"):
        _child(MAILS, _kind, _outcome)
for _kind in ("hard", "soft", "complaint", "reply", "unknown", "forged"):
    _child(RETURNED_MAILS, _kind)
