"""Spans go where OpenTelemetry's own variables say, with what every installation brings."""

import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROOT = Path(__file__).parents[3]
A_REQUEST = """
import os
from infra.telemetry import tracing

tracing.start("api", os.environ)
with tracing.request({"method": "PUT", "headers": []}, "/vote") as answered:
    answered(200)
"""


class Collector(HTTPServer):
    """Takes spans as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.taken: list[tuple[str, ExportTraceServiceRequest]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_where_an_endpoint_is_named_requests_become_spans_there(collector: Collector) -> None:
    exporter = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    environ = {**os.environ, **exporter, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
    subprocess.run([sys.executable, "-c", A_REQUEST], env=environ, check=True)
    ((path, request),) = collector.taken
    assert path == "/v1/traces"
    (spans,) = request.resource_spans
    named = {attribute.key: attribute.value.string_value for attribute in spans.resource.attributes}
    assert named["service.name"] == "verdicts-api"
    assert [span.name for scope in spans.scope_spans for span in scope.spans] == ["PUT /vote"]


def test_the_lock_holds_what_traces_take() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    names = {
        re.split("[>=]", requirement)[0]
        for requirement in wanted["optional-dependencies"]["tracing"]
    }
    assert len(names) == 2
    assert names <= set(locked)
