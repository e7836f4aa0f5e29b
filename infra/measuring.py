"""Takes the measurements of `infra.metrics` where one line must do, once per batch."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from infra.consumer.partition import MissedError, Record, Sink, Steps
from infra.metrics import (
    APPLY_SECONDS,
    BATCH_RECORDS,
    CHANGES_RELAYED,
    DEAD_LETTERS,
    EVENT_AGE,
    EVENTS_APPLIED,
    FENCE_MISSES,
    PAGES_RENDERED,
    PRINT_SECONDS,
    RELAY_SECONDS,
)
from schemas.topics import EVENT_TOPICS


class Measured:
    """A sink whose batches are measured; see `infra.consumer.partition.Sink`."""

    def __init__(self, sink: Sink, topic: str) -> None:
        self._sink = sink
        self._applied = EVENTS_APPLIED.labels(topic)
        self._records = BATCH_RECORDS.labels(topic)
        self._seconds = APPLY_SECONDS.labels(topic)
        self._age = EVENT_AGE.labels(topic)
        self._missed = FENCE_MISSES.labels(topic)

    def stored(self) -> int:
        """Look up the checkpoint."""
        return self._sink.stored()

    def apply(self, records: Sequence[Record], expected: int, upto: int) -> Steps[Any]:
        """Apply a batch and note how large it was, how long it took and how old it had become."""
        began = time.perf_counter()
        try:
            yield from self._sink.apply(records, expected, upto)
        except MissedError:
            self._missed.inc()
            raise
        self._seconds.observe(time.perf_counter() - began)
        self._applied.inc(len(records))
        self._records.observe(len(records))
        self._age.observe(max(0.0, time.time() - records[0].timestamp / 1000))


def buried(topics: Iterable[str]) -> None:
    """Records became dead letters; the topic of each."""
    for topic, number in Counter(topics).items():
        _child(DEAD_LETTERS, topic).inc(number)


def relayed(kinds: Iterable[str], seconds: float) -> None:
    """A batch of changes was published; the kind of each."""
    RELAY_SECONDS.observe(seconds)
    for kind, number in Counter(kinds).items():
        _child(CHANGES_RELAYED, kind).inc(number)


def printed(rendered: int, changed: int, seconds: float) -> None:
    """The publisher made a run."""
    PRINT_SECONDS.observe(seconds)
    _child(PAGES_RENDERED, "written").inc(changed)
    _child(PAGES_RENDERED, "unchanged").inc(rendered - changed)


@cache
def _child(metric: Any, label: str) -> Any:
    """A labelled metric, looked up once."""
    return metric.labels(label)


# A series that began with its first burst would show no increase, and alarm nobody.
for _topic in EVENT_TOPICS:
    _child(DEAD_LETTERS, _topic.name)
