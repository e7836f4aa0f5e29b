"""CloudEvents as the official libraries send them, written down request by request."""

from typing import Any

import pytest

from tests.streams.api.conftest import FakeApi

GATEWAY = {"Authorization": "Bearer gateway"}
STRUCTURED = "application/cloudevents+json"
VOTE = b'{"tool": "alpha", "voter": "v-1", "choice": "ship"}'
PYTHON_1 = (
    b'{"specversion": "1.0", "id": "e-1", "source": "/gateways/web", "type": "vote.cast", '
    b'"datacontenttype": "application/json; charset=utf-8", "dataschema": "https://x.example/y", '
    b'"subject": null, "time": "2025-11-20T10:00:00.000000+00:00", "data": ' + VOTE + b"}"
)
"""`cloudevents.v1.http.to_structured` of Python."""
PYTHON_2 = (
    b'{"type": "vote.cast", "source": "/gateways/\\u65e5\\u672c", "id": "e-1", '
    b'"specversion": "1.0", "time": "2025-11-20T10:00:00Z", "datacontenttype": '
    b'"application/json", "subject": "alpha", "dataschema": "https://x.example/y", '
    b'"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "data": '
    + VOTE + b"}"
)  # fmt: skip
"""`cloudevents.core.bindings.http.to_structured` of Python."""
JAVASCRIPT = (
    b'{"id":"e-1","time":"2025-11-20T10:00:00.000Z","type":"vote.cast","source":"/gateways/web",'
    b'"specversion":"1.0","subject":"alpha","partitionkey":"alpha","sampledrate":30,'
    b'"data":{"tool":"alpha","voter":"v-1","choice":"ship"}}'
)
"""`HTTP.structured` of JavaScript."""
PYTHON_BINARY = {
    "ce-type": "vote.cast",
    "ce-source": "/gateways/%E6%97%A5%E6%9C%AC",
    "ce-id": "e-1",
    "ce-specversion": "1.0",
    "ce-time": "2025-11-20T10:00:00Z",
    "ce-subject": "alpha",
    "ce-traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "content-type": "application/json",
}
"""`cloudevents.core.bindings.http.to_binary` of Python."""
JAVASCRIPT_BINARY = {
    "content-type": "application/json; charset=utf-8",
    "ce-id": "e-1",
    "ce-time": "2025-11-20T10:00:00.000Z",
    "ce-type": "vote.cast",
    "ce-source": "/gateways/web",
    "ce-specversion": "1.0",
}
"""`HTTP.binary` of JavaScript."""


def post(api: FakeApi, body: bytes, headers: dict[str, str]) -> Any:
    return api.client.post("/v1/events", content=body, headers=GATEWAY | headers)


def rejection(answer: Any) -> tuple[str, str]:
    assert answer.status_code == 422
    (result,) = answer.json()["results"]
    return result["code"], result["pointer"]


@pytest.mark.parametrize("body", [PYTHON_1, PYTHON_2, JAVASCRIPT])
def test_structured_events_of_libraries_are_accepted(api: FakeApi, body: bytes) -> None:
    kinds = {STRUCTURED: body, STRUCTURED + "; charset=utf-8": body}
    kinds["application/cloudevents-batch+json"] = b"[" + body + b"," + body + b"]"
    for kind, sent in kinds.items():
        assert post(api, sent, {"Content-Type": kind}).status_code == 202
    assert {event.id for event in api.events()} == {"e-1"}
    assert {event.data.choice for event in api.events()} == {"ship"}
    assert {event.time for event in api.events()} == {api.fakes.clock.micros}


@pytest.mark.parametrize("headers", [PYTHON_BINARY, JAVASCRIPT_BINARY])
def test_binary_events_of_libraries_are_accepted(api: FakeApi, headers: dict[str, str]) -> None:
    assert post(api, VOTE, headers).status_code == 202
    (event,) = api.events()
    assert (event.id, event.type, event.time) == ("e-1", "vote.cast", api.fakes.clock.micros)


def test_a_binary_event_needs_no_content_type(api: FakeApi) -> None:
    """`cloudevents.v1.http.to_binary` of Python sends none."""
    headers = {name: text for name, text in PYTHON_BINARY.items() if name != "content-type"}
    assert post(api, VOTE, headers).status_code == 202


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("/%E6%97%A5%E6%9C%AC", "/日本"),
        ("/日本", "/日本"),
        ('"/a b"', "/a b"),
        (r'"/a \"b\" \\"', r'/a "b" \ '.strip()),
        ("/100%", "/100%"),
        ("/%25", "/%"),
    ],
)
def test_values_of_headers_are_decoded(api: FakeApi, value: str, source: str) -> None:
    headers = {"Authorization": "Bearer gateway", **PYTHON_BINARY}
    sent = {name.encode(): text.encode() for name, text in headers.items()}
    sent[b"ce-source"] = value.encode()
    answer = api.client.post("/v1/events", content=VOTE, headers=sent)
    assert answer.status_code == 202
    (event,) = api.events()
    assert event.source == source


def test_a_value_that_is_no_text_is_named(api: FakeApi) -> None:
    answer = post(api, VOTE, PYTHON_BINARY | {"ce-source": "/%FF"})
    assert rejection(answer) == ("invalid-text", "/source")


def test_a_duplicate_key_of_a_binary_event_is_named(api: FakeApi) -> None:
    twice = VOTE.replace(b'"choice"', b'"choice": "skip", "choice"')
    assert rejection(post(api, twice, PYTHON_BINARY)) == ("duplicate-key", "/data/choice")
    assert api.sent == []


def test_one_binary_event_is_one_object(api: FakeApi) -> None:
    assert rejection(post(api, b"[" + VOTE + b"]", PYTHON_BINARY)) == ("invalid-value", "/data")
    assert post(api, VOTE + b',"type":"x"', PYTHON_BINARY).status_code == 400
    assert post(api, b"", PYTHON_BINARY).status_code == 400
    assert api.sent == []


def test_headers_of_a_structured_event_are_no_attributes(api: FakeApi) -> None:
    answer = post(api, JAVASCRIPT, {"Content-Type": STRUCTURED, "ce-type": "tool.listed"})
    assert answer.status_code == 202


def test_the_data_of_a_binary_event_is_json(api: FakeApi) -> None:
    for kind, status in (("application/vote+json", 202), ("text/plain", 415), ("text/xml", 415)):
        assert post(api, VOTE, PYTHON_BINARY | {"content-type": kind}).status_code == status


def test_an_attribute_that_is_null_is_unset(api: FakeApi) -> None:
    optional = (
        b'"specversion": null, "id": null, "time": null, "source": null, "datacontenttype": null, '
        b'"subject": null, "dataschema": null, "custom": null'
    )
    body = b'{"type": "vote.cast", %s, "data": %s}' % (optional, VOTE)
    assert post(api, body, {"Content-Type": STRUCTURED}).status_code == 202
    untyped = b'{"type": null, "data": %s}' % VOTE
    assert rejection(post(api, untyped, {"Content-Type": STRUCTURED})) == ("missing-field", "/type")
    empty = b'{"type": "vote.cast", "data": null}'
    assert rejection(post(api, empty, {"Content-Type": STRUCTURED})) == ("missing-field", "/data")


@pytest.mark.parametrize("name", ["Subject", "trace_parent", "data_base64", "x" * 21, "", "é"])
def test_a_name_that_no_attribute_can_have_is_rejected(api: FakeApi, name: str) -> None:
    body = b'{"type": "vote.cast", "%s": 1, "data": %s}' % (name.encode(), VOTE)
    expected = ("unknown-field", f"/{name}")
    assert rejection(post(api, body, {"Content-Type": STRUCTURED})) == expected


@pytest.mark.parametrize(
    ("kind", "accepted"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("Application/Vote+JSON", True),
        ("text/json", True),
        ("application/jsonp", False),
        ("text/plain", False),
    ],
)
def test_the_content_type_of_data_is_json(api: FakeApi, kind: str, accepted: bool) -> None:
    head = b'{"type": "vote.cast", "datacontenttype": "%s", "data": ' % kind.encode()
    answer = post(api, head + VOTE + b"}", {"Content-Type": STRUCTURED})
    if accepted:
        assert answer.status_code == 202
    else:
        assert rejection(answer) == ("invalid-value", "/datacontenttype")
