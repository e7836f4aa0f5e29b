"""A valid batch is decoded at once; its results are the same as one by one."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import EVENT_TYPES
from tests.harness.examples import EVERY_TYPE
from tests.streams.api.conftest import FakeApi

ADMIN = {"Authorization": "Bearer admin", "Content-Type": "application/json"}
EVENTS = [
    {
        "specversion": "1.0",
        "id": f"e-{event.type}",
        "time": "2025-11-20T10:00:00.5+02:00",
        "source": "/tests",
        "type": event.type,
        "datacontenttype": "application/json",
        "data": msgspec.to_builtins(event.data),
    }
    for event in EVERY_TYPE
]
ODD = st.sampled_from(
    [None, True, 7, -1, 101, 8.5, "", "x", "ship", "a-b", "a-vs-b", "a\0b", "x" * 301, [], ["x"],
     {}, {"x": 1}, "2025-11-20T10:00:00Z", "2999-01-01T00:00:00Z", "1.0", *EVENT_TYPES]
)  # fmt: skip


def a_place(event: dict[str, Any]) -> st.SearchStrategy[tuple[str, ...]]:
    names = st.sampled_from([*event, "subject", "traceparent", "extension", "Subject"])
    inner = st.tuples(st.just("data"), st.sampled_from([*event["data"], "stars"]))
    return st.tuples(names) | inner


@st.composite
def somewhat_odd(draw: st.DrawFn) -> dict[str, Any]:
    """An event in which up to two fields are left out, added or changed."""
    whole = draw(st.sampled_from(EVENTS))
    data = dict(whole["data"])
    event = whole | {"data": data}
    for *within, name in draw(st.lists(a_place(whole), max_size=2)):
        around = data if within else event
        if draw(st.booleans()):
            around[name] = draw(ODD)
        else:
            around.pop(name, None)
    return event


def results(api: Any, *events: Any) -> list[dict[str, Any]]:
    answer = api.client.post("/v1/events", content=msgspec.json.encode(events), headers=ADMIN)
    return [
        {name: value for name, value in result.items() if name != "offset"}
        for result in answer.json()["results"]
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(event=somewhat_odd())
def test_an_events_result_does_not_depend_on_its_batch(api: FakeApi, event: dict[str, Any]) -> None:
    with_id_and_time = "id" in event and "time" in event
    alone, beside = results(api, event), results(api, event, {"type": "nonsense"})[:1]
    if not with_id_and_time:  # the server's own, so each time others
        for result in (*alone, *beside):
            result.pop("id")
            result.pop("time", None)
    assert alone == beside


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["type"])
def test_an_events_record_does_not_depend_on_its_batch(api: FakeApi, event: dict[str, Any]) -> None:
    results(api, event)
    results(api, event, {"type": "nonsense"})
    if event["type"] == "digest.frozen":
        assert api.sent == []
    else:
        alone, beside = api.sent
        assert alone == beside


def test_many_odd_votes_get_the_same_results_together_and_apart(api: FakeApi) -> None:
    """Every attribute and field in turn is left out, null, empty or of another type."""
    votes = [event for event in EVENTS if "voter" in event["data"]]
    for whole in votes:
        for name in (*whole, "subject", "traceparent"):
            for value in (None, "", 7, "x" * 301, "a\0b", "\u003a", "2025-11-20T10:00:00Z"):
                odd = whole | {name: value}
                assert results(api, odd) == results(api, odd, {"type": "nonsense"})[:1]


@pytest.mark.parametrize("odd", [b'"voter": "v", ', b'"voter\\u003a": "v", '])
def test_a_duplicate_key_among_votes_alone_is_named(api: FakeApi, odd: bytes) -> None:
    vote = msgspec.json.encode([event for event in EVENTS if event["type"] == "vote.cast"] * 2)
    doubled = vote.replace(b'"voter":', odd + b'"voter":', 1)
    answer = api.client.post("/v1/events", content=doubled, headers=ADMIN)
    first, second = answer.json()["results"]
    assert (first["status"], second["status"]) == ("rejected", "accepted")
    assert first["code"] in ("duplicate-key", "unknown-field")


def test_voters_keep_their_names_whether_their_batch_is_votes_alone_or_not(api: FakeApi) -> None:
    voter_events = [event for event in EVENTS if "voter" in event["data"]]
    results(api, *voter_events)
    results(api, *voter_events, {"type": "nonsense"})
    half = len(voter_events)
    assert [*api.sent[:half]] == [*api.sent[half:]]
