"""Takes traces through a batch: a span for each traced event, and a row for the stages behind."""

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka.structs import ConsumerRecord
from sqlalchemy import Engine

from infra.telemetry import tracing
from infra.telemetry.tracing import Trace
from schemas.events import Event
from streams.processing.batch import PreparedBatch

MOST_PER_BATCH = 100
_SUBJECTS = {"tool": "tool", "category": "category", "reviewer": "reviewer", "week": "digest"}


class TracedEvent(NamedTuple):
    """An event whose record carries a trace."""

    record: ConsumerRecord
    event: Event
    trace: Trace


def remember(engine: Engine, batch: PreparedBatch) -> list[TracedEvent]:
    """Leave a row for each traced event. Call before the commit: relay and publisher are quick."""
    traced = _traced(batch)
    tracing.remember(engine, (each.trace for each in traced))
    return traced


def add_spans(traced: Sequence[TracedEvent], seconds: float) -> None:
    """Note that the commit of these events took so long, and ended just now."""
    for record, event, trace in traced:
        tracing.add(
            f"apply {event.type}",
            trace.parent,
            seconds,
            messaging__system="kafka",
            messaging__destination__name=record.topic,
            messaging__destination__partition__id=str(record.partition),
            messaging__kafka__offset=record.offset,
            verdicts__event__id=event.id,
        )


def subject(event: Event) -> tuple[str, str]:
    """Kind and key of the record whose pages an event changes first."""
    field = next(field for field in _SUBJECTS if hasattr(event.data, field))
    return _SUBJECTS[field], getattr(event.data, field)


def _traced(batch: PreparedBatch) -> list[TracedEvent]:
    traced: list[TracedEvent] = []
    for record, event in zip(batch.records, batch.events, strict=True):
        parent = tracing.parent_of(record.headers) if record.headers else None
        if parent and len(traced) < MOST_PER_BATCH:
            traced.append(TracedEvent(record, event, Trace(*subject(event), parent)))
    return traced
