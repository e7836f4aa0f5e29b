"""Votes and bookmarks past the framework get the answers that the framework would give."""

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from infra.kafka.delivery import NotWritten
from infra.telemetry.metrics import REGISTRY
from projections.read.tools import find_tools
from streams.api.routes import application
from streams.api.voting.fast_path import VOTE_PATH, FastPath
from tests.streams.api.conftest import HOST, FakeApi

HERE = {"Origin": HOST}
VOTE = {"json": {"choice": "ship"}, "headers": HERE}
ALPHA = "/v1/tools/alpha/vote"
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", ALPHA, VOTE),
    ("DELETE", ALPHA, {"headers": HERE}),
    ("PUT", "/v1/bookmarks/alpha", {"headers": HERE}),
    ("DELETE", "/v1/bookmarks/alpha", {"headers": HERE}),
    ("PUT", "/v1/tools/gone/vote", VOTE),
    ("PUT", "/v1/tools/nobody/vote", VOTE),
    ("PUT", "/v1/tools/%61lpha/vote", VOTE),
    ("PUT", "/v1/tools/a%2Fb/vote", VOTE),
    ("PUT", "/v1/tools/alpha%0a/vote", VOTE),
    ("PUT", "/v1/tools/alpha/vote%0a", VOTE),
    ("PUT", "/v1/tools//vote", VOTE),
    ("PUT", "/v1/tools/alpha/vote/", VOTE),
    ("PUT", f"{ALPHA}?x=%E6%97%A5", VOTE),
    ("PUT", ALPHA, {"json": {"choice": "maybe"}, "headers": HERE}),
    ("PUT", ALPHA, {"content": b"{", "headers": HERE}),
    ("PUT", ALPHA, {"content": b"x" * 5000, "headers": HERE}),
    ("PUT", ALPHA, {"json": {"choice": "ship"}}),
    ("PUT", ALPHA, {"json": {"choice": "ship"}, "headers": {"Origin": "https://evil.example"}}),
    ("PUT", ALPHA, {"json": {"choice": "ship"}, "headers": HERE | {"Host": "evil.example"}}),
    ("PUT", ALPHA, {"json": {"choice": "ship"}, "headers": [*HERE.items(), *HERE.items()]}),
    ("GET", ALPHA, {}),
    ("POST", ALPHA, VOTE),
    ("PATCH", ALPHA, VOTE),
    ("OPTIONS", ALPHA, {"headers": HERE | {"Access-Control-Request-Method": "PUT"}}),
]


def on_both_paths(api: FakeApi) -> tuple[TestClient, TestClient]:
    fast = application(api.components)
    assert isinstance(fast, FastPath)
    paths = (fast, fast.framework)
    first, second = (
        TestClient(path, base_url=HOST, raise_server_exceptions=False) for path in paths
    )
    return first, second


def answer(client: TestClient, method: str, path: str, request: dict[str, Any]) -> Any:
    client.cookies.clear()
    response = client.request(method, path, **request)
    fields = {name: value for name, value in response.headers.items() if name != "set-cookie"}
    return response.status_code, fields, "set-cookie" in response.headers, response.content


@pytest.mark.parametrize(("method", "path", "request_"), REQUESTS)
def test_both_paths_answer_alike(
    api: FakeApi, method: str, path: str, request_: dict[str, Any]
) -> None:
    fast, framework = on_both_paths(api)
    assert answer(fast, method, path, request_) == answer(framework, method, path, request_)


def test_both_paths_answer_alike_without_broker_or_database_and_after_a_fault(api: FakeApi) -> None:
    fast, framework = on_both_paths(api)
    api.fakes.producer.failure = NotWritten("the broker is away")
    assert answer(fast, "PUT", ALPHA, VOTE) == answer(framework, "PUT", ALPHA, VOTE)
    for error in (OperationalError("", None, Exception("gone")), RuntimeError("a fault")):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        api.fakes.read_model.answers[find_tools] = fail
        api.components.tallies.clear()
        status, *rest = answer(fast, "PUT", ALPHA, VOTE)
        assert status in (500, 503)
        assert [status, *rest] == [*answer(framework, "PUT", ALPHA, VOTE)]


def test_both_paths_count_requests_and_log_refusals(api: FakeApi) -> None:
    def counted() -> float:
        labels = {"method": "PUT", "route": VOTE_PATH, "status": "403"}
        return REGISTRY.get_sample_value("verdicts_http_request_seconds_count", labels) or 0

    before = counted()
    refused = {"json": {"choice": "ship"}}
    with capture_logs() as lines:
        for client in on_both_paths(api):
            answer(client, "PUT", ALPHA, refused)
    assert counted() == before + 2
    first, second = ({**line, "ms": 0} for line in lines)
    assert first == second
    assert first["event"] == "request refused"
