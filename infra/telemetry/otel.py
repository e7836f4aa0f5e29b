"""Spans in OpenTelemetry; imported only where tracing is on (see `infra.telemetry.tracing`)."""

import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import (
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from infra.http.fields import fields_of

PARENT = "traceparent"


class OtelTracer:
    """Creates spans, and exports them in a thread of its own.

    Args:
        service: Of this process, such as `api`.
        exporter: By default the OTLP one, as its environment variables say.
        batched: Whether spans are exported in batches; tests read them at once.
    """

    def __init__(
        self, service: str, exporter: SpanExporter | None = None, *, batched: bool = True
    ) -> None:
        resource = Resource.create({"service.name": f"verdicts-{service}"})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(_processor(exporter, batched=batched))
        self._tracer = self._provider.get_tracer("verdicts")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(
        self, scope: MutableMapping[str, Any], route: str
    ) -> Iterator[Callable[[int], None]]:
        """A span around an HTTP request; the context gives a function for the response's status."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in fields_of(scope).items()
        }
        parent = self._propagator.extract(headers)
        with self._tracer.start_as_current_span(
            f"{scope['method']} {route}",
            parent,
            SpanKind.SERVER,
            {"http.request.method": scope["method"], "http.route": route},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            def set_status(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))

            yield set_status

    def parent(self) -> str | None:
        """The header value with which a record continues the trace; None when not sampled."""
        span = get_current_span().get_span_context()
        if not (span.is_valid and span.trace_flags.sampled):
            return None
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get(PARENT)

    def add(self, name: str, parent: str, seconds: float, **attributes: str | int) -> None:
        """Add a span that ended just now; `__` in an attribute's name becomes a dot."""
        end = time.time_ns()
        context = self._propagator.extract({PARENT: parent}, context=Context())
        span = self._tracer.start_span(
            name,
            context,
            SpanKind.CONSUMER,
            {key.replace("__", "."): value for key, value in attributes.items()},
            start_time=end - int(seconds * 1e9),
        )
        span.end(end)

    def close(self) -> None:
        """Export waiting spans."""
        self._provider.shutdown()


def _processor(exporter: SpanExporter | None, *, batched: bool) -> SpanProcessor:
    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    return BatchSpanProcessor(exporter) if batched else SimpleSpanProcessor(exporter)
