import asyncio
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from faust.types import TP
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import Engine, text

from infra.consumer.group_commit import GroupCommitter
from infra.consumer.protocols import Applied, Outcome
from infra.kafka.codec import Codec
from infra.postgres.engine import create_engine
from infra.telemetry import event_log, tracing
from infra.telemetry.otel import OtelTracer
from projections.write.store import Batch
from schemas.topics import VOTES
from streams.processing.batch_traces import subject
from streams.processing.projector import Projector
from tests.harness.examples import EVERY_TYPE, NOON, a_vote

ROOT = Path(__file__).parents[3]
PARTITION = (VOTES.name, 3)
SCOPE = {"method": "PUT", "headers": []}
VOTE = Codec().encode(a_vote(tool="x"))
WELL_FORMED = b"00-" + b"a" * 32 + b"-" + b"1" * 16 + b"-01"


class ARecord(NamedTuple):
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    topic: str = VOTES.name
    partition: int = 3
    offset: int = 17
    timestamp: int = NOON // 1000


class FakeStore:
    """Accepts every batch.

    Attributes:
        committed: The batches.
    """

    def __init__(self) -> None:
        self.committed: list[Batch] = []

    def commit(self, batches: Sequence[Batch]) -> list[Outcome]:
        self.committed += batches
        return [Applied()] * len(batches)


class FakeDeadLetters:
    """Counts dead letters."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, failures: Iterable[object]) -> None:
        self.count += len(list(failures))


def apply(engine: Engine | None, records: Sequence[ARecord], store: FakeStore) -> int:
    """Apply records from offset 5 on; give the number of dead letters."""
    dead_letters = FakeDeadLetters()
    projector: Any = Projector(
        TP(*PARTITION),
        engine,  # type: ignore[arg-type]
        Codec(),
        dead_letters,
        store.commit,
        GroupCommitter(store.commit),
    )
    assert asyncio.run(projector.apply(records, 5, 5 + len(records))) == Applied()
    return dead_letters.count


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    spans = OtelTracer("test", exporter, batched=False)
    tracing.use(spans)
    yield exporter
    tracing.use(None)
    spans.close()


def test_nothing_of_it_is_loaded_where_no_exporter_is_configured() -> None:
    code = (
        "import sys; from infra.telemetry import event_log, tracing; tracing.start('api', {});"
        "assert not tracing.enabled(); import streams.processing.projector, streams.api.routes;"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], env=environ, check=False).returncode == 0


def test_without_tracing_nothing_is_carried_or_remembered() -> None:
    headers: tracing.Headers = [("ce_id", b"01")]
    assert tracing.carried(headers) is headers
    assert tracing.carried() is None
    store = FakeStore()
    apply(None, [ARecord(VOTE, ((tracing.HEADER, WELL_FORMED),))], store)  # no database is asked
    assert [batch.size for batch in store.committed] == [1]
    with tracing.request(SCOPE, "/vote") as answered:
        answered(200)


def test_a_requests_events_carry_its_trace(exported: InMemorySpanExporter) -> None:
    with tracing.request(SCOPE, "/v1/tools/{tool}/vote") as answered:
        headers = tracing.carried([("ce_id", b"01")])
        answered(503)
    assert headers
    (span,) = exported.get_finished_spans()
    parent = tracing.parent_of(headers)  # type: ignore[arg-type]
    assert parent
    assert parent.split("-")[1] == f"{span.context.trace_id:032x}"
    assert span.name == "PUT /v1/tools/{tool}/vote"
    assert span.attributes
    assert span.attributes["http.response.status_code"] == 503
    assert not span.status.is_ok


@pytest.mark.parametrize(
    "header",
    [
        None, b"", b"\xff", b"a\0", b"?" * 3_000, b"00-" + b"A" * 32 + b"-" + b"1" * 16 + b"-01",
        b"ff-" + b"a" * 32 + b"-" + b"1" * 16 + b"-01", WELL_FORMED + b"\n", WELL_FORMED + b"-",
    ],
)  # fmt: skip
def test_what_is_no_trace_is_passed_over(header: bytes | None) -> None:
    assert tracing.parent_of([("traceparent", header)]) is None
    both = [("traceparent", header), ("traceparent", WELL_FORMED)]
    assert tracing.parent_of(both) == WELL_FORMED.decode()


def test_a_batch_is_applied_whatever_prevents_its_tracing(exported: InMemorySpanExporter) -> None:
    records = [ARecord(value, ((tracing.HEADER, WELL_FORMED),)) for value in (b"no Avro", VOTE)]
    nowhere = create_engine("postgresql://nobody@127.0.0.1:1/nothing")
    store = FakeStore()
    assert apply(nowhere, records, store) == 1
    assert [(batch.expected, batch.upto, batch.size) for batch in store.committed] == [(5, 7, 1)]
    assert [span.name for span in exported.get_finished_spans()] == ["apply vote.cast"]


def test_outside_a_request_nothing_is_carried(exported: InMemorySpanExporter) -> None:
    assert tracing.carried() is None


@pytest.mark.parametrize("event", EVERY_TYPE, ids=lambda event: event.type)
def test_every_event_has_a_record_whose_pages_it_changes(event: Any) -> None:
    kind, key = subject(event)
    assert kind in {"tool", "category", "reviewer", "digest"}
    assert key


@pytest.mark.integration
def test_a_trace_goes_from_the_request_to_the_page(
    exported: InMemorySpanExporter, projected: Engine
) -> None:
    with tracing.request(SCOPE, "/vote"):
        headers = tracing.carried()
    records = [
        ARecord(VOTE),
        ARecord(VOTE, tuple(headers or ())),  # type: ignore[arg-type]
        ARecord(b"?", (("traceparent", WELL_FORMED),)),
    ]
    store = FakeStore()
    assert apply(projected, records, store) == 1
    assert [(batch.expected, batch.upto, batch.size) for batch in store.committed] == [(5, 8, 2)]
    event_log.relayed(projected, [("tool", "x"), ("tool", "other")], 0.01)
    event_log.built(projected, [("tool", "x")], 0.02)
    event_log.built(projected, [("tool", "x")], 0.02)  # a later change is not of this trace
    spans = exported.get_finished_spans()
    assert [span.name for span in spans] == [
        "PUT /vote",
        "apply vote.cast",
        "relay tool",
        "build tool",
    ]
    assert len({span.context.trace_id for span in spans}) == 1
    assert spans[1].attributes
    assert spans[1].attributes["verdicts.event.id"] == "01"


@pytest.mark.integration
def test_a_trace_that_cannot_be_kept_is_no_failure(
    exported: InMemorySpanExporter, projected: Engine
) -> None:
    with projected.begin() as connection:
        connection.execute(text("alter table verdicts.traces rename to away"))
    try:
        event_log.built(projected, [("tool", "x")], 0.1)
    finally:
        with projected.begin() as connection:
            connection.execute(text("alter table verdicts.away rename to traces"))
