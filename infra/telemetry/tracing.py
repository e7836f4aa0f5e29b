"""Traces from an HTTP request to the written page, where an exporter is configured.

Without one, OpenTelemetry is not imported and every hook here costs one comparison. The events of a
sampled request carry a W3C `traceparent` header on the log, votes too. The outbox holds keys alone,
so the trace continues through `verdicts.traces`: the worker inserts two rows before it applies a
traced event, and relay and publisher each take the rows of their stage.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from infra.telemetry.otel import OtelTracer

HEADER = "traceparent"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SHAPE = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
Headers = list[tuple[str, str | bytes | None]]
log = structlog.get_logger(__name__)

_INSERT = """
insert into verdicts.traces (stage, kind, key, parent)
select stage, changed.* from (values ('relay'), ('build')) as stages(stage),
    unnest(%(kinds)s::text[], %(keys)s::text[], %(parents)s::text[]) as changed
on conflict do nothing
"""
_TAKE = """
delete from verdicts.traces
where stage = %(stage)s
and (kind, key) in (select * from unnest(%(kinds)s::text[], %(keys)s::text[]))
returning kind, key, parent
"""
_DELETE_OLD = "delete from verdicts.traces where at < clock_timestamp() - interval '1 minute'"


class Trace(NamedTuple):
    """A trace to continue: the changed record's kind and key, and the parent span."""

    kind: str
    key: str
    parent: str


_tracer: "OtelTracer | None" = None


def start(service: str, environ: Mapping[str, str]) -> None:
    """Trace from now on, if the environment names an exporter's endpoint."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return
    try:
        from infra.telemetry.otel import OtelTracer

        use(OtelTracer(service))
    except ImportError as error:
        log.warning("no traces: install verdicts with the extra `tracing`", reason=str(error))


def use(tracer: "OtelTracer | None") -> None:
    """Trace with this tracer; None stops tracing."""
    global _tracer
    _tracer = tracer


def enabled() -> bool:
    """Whether this process traces."""
    return _tracer is not None


def request(
    scope: MutableMapping[str, Any], route: str
) -> AbstractContextManager[Callable[[int], None]]:
    """A span around an HTTP request; the context gives a function that takes the response's status.

    Args:
        scope: Of the request, from ASGI.
        route: Its path, with parameters by name.
    """
    return _NOTHING if _tracer is None else _tracer.request(scope, route)


def _ignore(_: int) -> None:
    """Take a status and do nothing."""


_NOTHING = nullcontext(_ignore)


def carried(headers: Headers | None = None) -> Headers | None:
    """A record's headers, with the trace of the current request if that is sampled."""
    parent = None if _tracer is None else _tracer.parent()
    return headers if parent is None else [*(headers or ()), (HEADER, parent.encode())]


def parent_of(headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """The trace that a record carries; a malformed header of another producer counts as none."""
    values = (value for name, value in headers if name == HEADER and value)
    return next((value.decode() for value in values if _SHAPE.fullmatch(value)), None)


def add(name: str, parent: str, seconds: float, **attributes: str | int) -> None:
    """Add a span that ended just now."""
    if _tracer is not None:
        _tracer.add(name, parent, seconds, **attributes)


def remember(engine: Engine, traces: Iterable[Trace]) -> None:
    """Insert traces for relay and publisher, which see keys alone; an error loses only traces."""
    if rows := list(traces):
        columns = {
            "kinds": [trace.kind for trace in rows],
            "keys": [trace.key for trace in rows],
            "parents": [trace.parent for trace in rows],
        }
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(_INSERT, columns)
        except SQLAlchemyError as error:
            log.info("traces are cut short", reason=str(error))


def relayed(engine: Engine, keys: Collection[tuple[str, str]], seconds: float) -> None:
    """Changes of these keys were published; blocks on the database where tracing is on."""
    if _tracer is not None:
        _continue(engine, keys, "relay", seconds)


def built(engine: Engine, keys: Collection[tuple[str, str]], seconds: float) -> None:
    """Pages of these keys are written, which ends their traces."""
    if _tracer is not None:
        _continue(engine, keys, "build", seconds)


def _continue(
    engine: Engine, keys: Collection[tuple[str, str]], stage: str, seconds: float
) -> None:
    """Add a span for each trace of these keys; an error loses only traces."""
    assert _tracer is not None
    columns = {"kinds": [kind for kind, _ in keys], "keys": [key for _, key in keys]}
    try:
        with engine.begin() as connection:
            rows = connection.exec_driver_sql(_TAKE, {"stage": stage, **columns}).all()
            connection.exec_driver_sql(_DELETE_OLD)
    except SQLAlchemyError as error:
        log.info("traces are cut short", reason=str(error))
        return
    for row in rows:
        name = f"{stage} {row.kind}"
        _tracer.add(name, row.parent, seconds, verdicts__key=row.key)
