"""The OpenAPI document describes every route, and no other."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from schemas.event_validation import InvalidEvent, read_data
from schemas.events import EVENT_TYPES
from streams.api.openapi.document import document
from streams.api.openapi.event_schema import CLIENT_EVENTS
from streams.api.openapi.operation import TAGS
from streams.api.openapi.operations import OPERATIONS
from streams.api.routes import routes
from tests.harness.openapi.patterns import find_patterns
from tests.streams.api.conftest import FakeApi

METHODS = [
    (path, method, operation)
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
]
NAMES = [operation["operationId"] for _, _, operation in METHODS]
ADMIN = {"Authorization": "Bearer admin"}


def validator(schema: Any) -> Draft202012Validator:
    """Validates against a schema of the document."""
    return Draft202012Validator({**schema, "components": document()["components"]})


def contents(operation: Any) -> Iterator[Any]:
    """The media types of an operation's request and responses."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from response.get("content", {}).values()


def test_every_route_is_described_and_every_description_is_a_route(api: FakeApi) -> None:
    real = {
        (method, route.path)
        for route in routes(api.components)
        for method in route.methods or {"GET"}
        if method != "HEAD"
    }
    assert real == {(operation.method, operation.path) for operation in OPERATIONS}


def test_every_operation_has_a_name_of_its_own_and_a_tag_with_a_description() -> None:
    assert len({*NAMES}) == len(NAMES)
    assert all(re.fullmatch("[a-z][A-Za-z]+", name) for name in NAMES)
    assert [tag["name"] for tag in document()["tags"]] == [*TAGS]
    assert {tag for *_, operation in METHODS for tag in operation["tags"]} == {*TAGS}


def test_the_server_is_the_public_address(make_api: Any) -> None:
    api = make_api(VERDICTS_PUBLIC_URL="https://verdicts.example")
    answer = api.client.get("/openapi.json", headers={"Host": "verdicts.example"})
    assert answer.json()["servers"] == [{"url": "https://verdicts.example"}]


def test_schemas_have_names_for_readers() -> None:
    names = set(document()["components"]["schemas"])
    assert {"Tool", "Comparison", "Digest", "Problem", "Event", "VoteCast"} <= names
    assert [name for name in names if re.search("Body$|Struct|^Me$|Data$|Details$", name)] == []


def test_every_reference_leads_somewhere(api: FakeApi) -> None:
    text = api.client.get("/openapi.json").text
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names <= set(document()["components"]["schemas"])


def test_patterns_are_regular_expressions_of_javascript(api: FakeApi) -> None:
    """With the flag `u`, as validators compile them, any other escape is an error."""
    escapes = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|[dDwWsSbBtnrvf0^$.*+?()\[\]{}|/\\-])?")
    patterns = set(find_patterns(document()))
    assert len(patterns) > 5
    for pattern in patterns:
        assert all(escape[1] for escape in escapes.finditer(pattern)), pattern
        assert "(?i)" not in pattern


@pytest.mark.parametrize(("path", "method", "operation"), METHODS, ids=NAMES)
def test_every_example_is_valid(path: str, method: str, operation: Any) -> None:
    for content in contents(operation):
        examples = [each["value"] for each in content.get("examples", {}).values()]
        for example in [content["example"], *examples] if "example" in content else examples:
            validator(content["schema"]).validate(example)
    for parameter in operation["parameters"]:
        validator(parameter["schema"]).validate(parameter["example"])


@pytest.mark.parametrize(("path", "method", "operation"), METHODS, ids=NAMES)
def test_every_body_of_json_has_an_example(path: str, method: str, operation: Any) -> None:
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            if media_type.endswith("json") and status == "200" and path != "/openapi.json":
                assert "example" in content, (path, method, status)


@pytest.mark.parametrize("name", CLIENT_EVENTS)
def test_every_example_of_an_event_is_accepted(api: FakeApi, name: str) -> None:
    schemas = document()["components"]["schemas"]
    model = schemas[f"{EVENT_TYPES[name].__name__}Event"]
    bodies = document()["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    examples = [*model["examples"], bodies["application/json"]["examples"][name]["value"]]
    for example in examples:
        validator({"$ref": "#/components/schemas/Event"}).validate(example)
        assert api.client.post("/v1/events", json=example, headers=ADMIN).status_code == 202


def test_the_example_of_a_batch_is_accepted(api: FakeApi) -> None:
    bodies = document()["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    for media_type, content in bodies.items():
        batch = content["examples"]["batch"]["value"]
        headers = {**ADMIN, "Content-Type": media_type}
        answer = api.client.post("/v1/events", content=json.dumps(batch), headers=headers)
        assert answer.status_code == 202, answer.text


TEXTS: list[Any] = [
    *("x", "", " ", "a\nb", "a\n", "\u200b", "\u0301", "e\u0301", "\x01", "a\tb", "a\u2028b"),
    *("\u3164", "\u2800", "\ufe0f", "\U000e0041", "\u202eabc", "漢", "😀", "\x85", "\ufffe", "a\0"),
    *(
        "x" * 300,
        "x" * 301,
        "x" * 2_000,
        "x" * 2_001,
        "x" * 20_001,
        "a\r\nb",
        "\u00ad",
        "vs",
        "a-vs",
    ),
    *("a-b", "A", "a--b", "a-", "smolvlm-2-5", "http://a.b/", "http://a:99999/", "http://[::1]/"),
    *("http://1.2.3.4", "http://1.2.3.256", "ftp://a", "http://a b", "http://a/\n", "https://é.fr"),
    *(7, 88.0, 88.5, -1, 101, None, True, [], {}, "ship", "free", ["fine"], ["a\0"], [""]),
]


@pytest.mark.parametrize("name", CLIENT_EVENTS)
def test_the_document_is_exactly_as_strict_as_the_parser(name: str) -> None:
    schema = validator({"$ref": f"#/components/schemas/{EVENT_TYPES[name].__name__}"})
    (example,) = document()["components"]["schemas"][EVENT_TYPES[name].__name__]["examples"]
    for field in (*example, "unknown"):
        for value in TEXTS:
            changed = {**example, field: value}
            assert schema.is_valid(changed) is parses(name, changed), (field, value)
        short = {key: value for key, value in example.items() if key != field}
        assert schema.is_valid(short) is parses(name, short), field


def parses(name: str, data: Any) -> bool:
    try:
        read_data(name, json.dumps(data).encode())
    except InvalidEvent:
        return False
    return True


def each_of(name: str, *values: Any) -> Iterator[dict[str, Any]]:
    return ({name: value} for value in values)


ATTRIBUTES: list[dict[str, Any]] = [
    {"id": "1", "time": "2025-11-20T10:00:00Z"},
    {"id": None, "time": None},
    *each_of("id", "1", "", "x" * 129, 7, None),
    *({"id": "1"} | changed for changed in each_of("time", "", 7, None)),
    *each_of("specversion", "1.0", "0.3", None),
    *each_of("source", "/a", "", "x" * 301, "\0", None),
    *each_of("subject", "", None, 7),
    *each_of("datacontenttype", "application/json", "text/xml", "a/b+json", None),
    {"datacontenttype": "Application/CloudEvents+JSON; charset=utf-8"},
    *({name: 1} for name in ("traceparent", "x", "Upper", "with-hyphen", "a" * 21, "")),
    *each_of("data", None, [], {}),
    *each_of("type", "vote.sold", None, "digest.frozen"),
]


@pytest.mark.parametrize("attributes", ATTRIBUTES, ids=str)
def test_attributes_are_accepted_as_described(api: FakeApi, attributes: dict[str, Any]) -> None:
    event = {**document()["components"]["schemas"]["VoteCastEvent"]["examples"][0]}
    if set(attributes) & {"id", "time"}:
        del event["id"], event["time"]
    event |= attributes
    valid = validator({"$ref": "#/components/schemas/Event"}).is_valid(event)
    answer = api.client.post("/v1/events", json=event, headers=ADMIN)
    assert (answer.status_code == 202) is valid, answer.text


def test_described_headers_are_sent(api: FakeApi) -> None:
    for path, method, operation in METHODS:
        headers = operation["responses"].get("200", {}).get("headers", {})
        if "{" not in path and "ETag" in headers:
            answer = api.client.request(method, path)
            assert answer.headers["etag"], path
            again = api.client.request(
                method, path, headers={"If-None-Match": answer.headers["etag"]}
            )
            assert again.status_code == 304, path
    assert "Link" in api.client.get("/v1/tools?limit=1").headers


def test_errors_are_described_as_problems() -> None:
    for path, method, operation in METHODS:
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


def test_the_docs_page_shows_examples_and_no_patterns(api: FakeApi) -> None:
    text = api.client.get("/docs").text
    assert "It reads *receipts* on my laptop." in text
    assert "one line of up to 300 characters" in text
    for pattern in find_patterns(document()):
        assert pattern not in text
    assert "[^" not in text
    assert "(?" not in text
