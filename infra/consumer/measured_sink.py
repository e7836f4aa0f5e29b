"""A sink that measures its batches."""

import time
from collections.abc import Sequence
from typing import Any

from infra.consumer.partition_consumer import BatchSink, BatchSteps
from infra.consumer.protocols import CheckpointMismatch, Record
from infra.telemetry.metrics import (
    APPLY_SECONDS,
    BATCH_RECORDS,
    EVENT_AGE,
    EVENTS_APPLIED,
    FENCE_MISSES,
)


class MeasuredSink:
    """A sink whose batches are measured; see `infra.consumer.partition_consumer.BatchSink`."""

    def __init__(self, sink: BatchSink, topic: str) -> None:
        self._sink = sink
        self._applied = EVENTS_APPLIED.labels(topic)
        self._records = BATCH_RECORDS.labels(topic)
        self._seconds = APPLY_SECONDS.labels(topic)
        self._age = EVENT_AGE.labels(topic)
        self._missed = FENCE_MISSES.labels(topic)

    def stored(self) -> int:
        """Look up the checkpoint."""
        return self._sink.stored()

    def apply(self, records: Sequence[Record], expected: int, upto: int) -> BatchSteps[Any]:
        """Apply a batch and note how large it was, how long it took and how old it had become."""
        began = time.perf_counter()
        try:
            yield from self._sink.apply(records, expected, upto)
        except CheckpointMismatch:
            self._missed.inc()
            raise
        self._seconds.observe(time.perf_counter() - began)
        self._applied.inc(len(records))
        self._records.observe(len(records))
        self._age.observe(max(0.0, time.time() - records[0].timestamp / 1000))
