"""Follows traced events through the projections: a span each, and a row for those behind."""

import time
from collections.abc import Sequence
from typing import Any

from faust.types import TP
from sqlalchemy import Engine

from infra.consumer.partition_consumer import BatchSink, BatchSteps
from infra.kafka.codec import Codec
from infra.telemetry import tracing
from infra.telemetry.tracing import Trace
from schemas.events import Event

MOST_PER_BATCH = 100
_SUBJECTS = {"tool": "tool", "category": "category", "reviewer": "reviewer", "week": "digest"}


class TracedSink:
    """A sink that records a span for every event that carries a trace."""

    def __init__(self, sink: BatchSink, place: TP, engine: Engine, codec: Codec) -> None:
        self._sink = sink
        self._place = place
        self._engine = engine
        self._codec = codec

    def stored(self) -> int:
        """Look up the checkpoint."""
        return self._sink.stored()

    def apply(self, records: Sequence[Any], expected: int, upto: int) -> BatchSteps[Any]:
        """Apply a batch. Rows are left before, since relay and publisher are quick."""
        carrying = self._carrying(records)
        tracing.remember(self._engine, (trace for _, _, trace in carrying))
        began = time.monotonic()
        yield from self._sink.apply(records, expected, upto)
        for record, event, trace in carrying:
            tracing.add(
                f"apply {event.type}",
                trace.parent,
                time.monotonic() - began,
                messaging__system="kafka",
                messaging__destination__name=record.topic,
                messaging__destination__partition__id=str(record.partition),
                messaging__kafka__offset=record.offset,
                verdicts__event__id=event.id,
            )

    def _carrying(self, records: Sequence[Any]) -> list[tuple[Any, Event, Trace]]:
        found: list[tuple[Any, Event, Trace]] = []
        for record in records:
            parent = tracing.parent_of(record.headers) if record.headers else None
            if parent and len(found) < MOST_PER_BATCH:
                try:
                    event = self._codec.decode(self._place.topic, record.value)
                except Exception:  # noqa: S112 - whatever it is, the sink meets it and says so
                    continue
                found.append((record, event, Trace(*subject(event), parent)))
        return found


def subject(event: Event) -> tuple[str, str]:
    """The record whose pages an event changes first."""
    field = next(field for field in _SUBJECTS if hasattr(event.data, field))
    return _SUBJECTS[field], getattr(event.data, field)


def traced(sink: BatchSink, place: TP, engine: Engine, codec: Codec) -> BatchSink:
    """The sink, with tracing where that is on."""
    return TracedSink(sink, place, engine, codec) if tracing.enabled() else sink
