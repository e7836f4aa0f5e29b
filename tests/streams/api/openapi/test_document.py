"""The OpenAPI document describes every route, and no other."""

import json
import re

from schemas.events import EVENT_TYPES
from streams.api.openapi.document import document
from streams.api.openapi.operations import OPERATIONS
from streams.api.routes import routes
from tests.streams.api.conftest import FakeApi


def test_every_route_is_described_and_every_description_is_a_route(api: FakeApi) -> None:
    real = {
        (method, route.path)
        for route in routes(api.components)
        for method in route.methods or {"GET"}
        if method != "HEAD"
    }
    assert real == {(operation.method, operation.path) for operation in OPERATIONS}


def test_every_reference_leads_somewhere(api: FakeApi) -> None:
    text = api.client.get("/openapi.json").text
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names <= set(document()["components"]["schemas"])


def test_patterns_are_regular_expressions_of_javascript(api: FakeApi) -> None:
    """With the flag `u`, as validators compile them, any other escape is an error."""
    escapes = re.compile(r"\\(x[0-9a-f]{2}|[dDwWsSbBtnrvf0^$.*+?()\[\]{}|/\\])?")
    patterns = re.findall(r'"pattern": ?("(?:[^"\\]|\\.)*")', api.client.get("/openapi.json").text)
    assert len(patterns) > 5
    for pattern in map(json.loads, patterns):
        assert all(escape[1] for escape in escapes.finditer(pattern)), pattern


def test_errors_are_described_as_problems() -> None:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if status[0] in "45" and path not in ("/status", "/v1/events"):
                    assert "application/problem+json" in response["content"], (method, path)


def test_the_docs_page_lists_every_operation_and_event(api: FakeApi) -> None:
    answer = api.client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    for operation in OPERATIONS:
        assert operation.path in answer.text
    for name, data in EVENT_TYPES.items():
        assert (name in answer.text) is (data.role != "system")
    assert "http://" not in answer.text
    assert "<script" not in answer.text
