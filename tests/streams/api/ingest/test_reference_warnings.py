"""Dry runs, and warnings about what is unknown."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy.exc import OperationalError

from projections.event_references import find_known
from schemas.records import Reviewer
from tests.streams.api.conftest import FakeApi
from tests.streams.api.ingest.test_endpoint import (
    EDITOR,
    GATEWAY,
    a_category,
    a_review,
    a_vote,
    post,
    rejection,
)

DRY = "/v1/events?dry_run=1"


def post_to(api: FakeApi, path: str, value: Any, headers: dict[str, str] = EDITOR) -> Any:
    sent = {"Content-Type": "application/json", **headers}
    return api.client.post(path, content=msgspec.json.encode(value), headers=sent)


def warnings_of(answer: Any) -> list[list[dict[str, str]]]:
    return [result.get("warnings", []) for result in answer.json()["results"]]


def a_listing(**differs: Any) -> dict[str, Any]:
    data = {
        "tool": "alpha", "name": "Alpha", "category": "editors", "tagline": "A.",
        "description": "An alpha.", "pricing": "None.", "entry": "free",
    }  # fmt: skip
    return {"type": "tool.listed", "data": data | differs}


def test_a_dry_run_answers_and_writes_nothing(api: FakeApi) -> None:
    answer = post_to(api, DRY, [a_category(), a_listing(category="nowhere")])
    assert answer.status_code == 202
    assert api.sent == []
    first, second = answer.json()["results"]
    assert (first["status"], first["topic"]) == ("accepted", "verdicts.catalog.v1")
    assert (first["partition"], first["offset"]) == (None, None)
    assert second["warnings"][0]["code"] == "unknown-category"


def test_a_dry_run_waits_for_nothing(api: FakeApi) -> None:
    answer = post_to(api, DRY, a_category(), EDITOR | {"Prefer": "wait=30"})
    assert answer.status_code == 202


def test_a_dry_run_rejects_what_the_real_one_would(api: FakeApi) -> None:
    assert post_to(api, DRY, a_review(score=101)).status_code == 422
    assert post_to(api, DRY, [a_category(), a_review(score=101)]).status_code == 207
    assert post_to(api, DRY, a_vote()).status_code == 403
    assert post_to(api, DRY, a_category(), {}).status_code == 401


@pytest.mark.parametrize("query", ["dry_run=true", "dry_run=", "dry_run=1&dry_run=0"])
def test_what_may_mean_a_dry_run_is_refused_and_writes_nothing(api: FakeApi, query: str) -> None:
    answer = post_to(api, f"/v1/events?{query}", a_category())
    assert answer.status_code == 400
    assert "dry_run" in answer.json()["detail"]
    assert api.sent == []


def test_dry_run_0_is_a_real_run(api: FakeApi) -> None:
    assert post_to(api, "/v1/events?dry_run=0", a_category()).status_code == 202
    assert len(api.sent) == 1


def test_an_accepted_event_warns_of_every_unknown_reference(api: FakeApi) -> None:
    (warnings,) = warnings_of(post(api, a_review(tool="alhpa", reviewer="bilder")))
    assert [(each["code"], each["pointer"]) for each in warnings] == [
        ("unknown-tool", "/data/tool"),
        ("unknown-reviewer", "/data/reviewer"),
    ]
    assert warnings[0]["detail"] == "No tool 'alhpa' is listed; this counts and shows once it is."
    assert len(api.sent) == 1  # references may come in any order


def test_known_references_bring_no_warnings(api: FakeApi) -> None:
    api.fakes.read_model.reviewers = [Reviewer("builder", "Builder", "Builds.", 1, 1)]
    answer = post(api, [a_review(), a_listing(tool="new"), a_category()])
    assert all("warnings" not in result for result in answer.json()["results"])


def test_what_the_same_request_defines_is_known(api: FakeApi) -> None:
    events = [a_listing(tool="new", category="fresh"), a_category(category="fresh")]
    assert warnings_of(post(api, events)) == [[], []]


def test_warnings_stay_with_their_event_beside_rejected_ones(api: FakeApi) -> None:
    answer = post(api, [a_review(score=101), a_listing(category="nowhere"), a_category()])
    assert answer.status_code == 207
    assert [len(each) for each in warnings_of(answer)] == [0, 1, 0]


def test_votes_for_a_tool_in_memory_ask_no_database(api: FakeApi) -> None:
    post(api, a_vote(), GATEWAY)
    asked: list[Any] = []
    api.fakes.read_model.answers[find_known] = _recording(asked)
    api.components.tallies.update(api.fakes.read_model.tools["alpha"])
    assert warnings_of(post(api, a_vote(), GATEWAY)) == [[]]
    assert asked == []
    assert warnings_of(post(api, a_vote(tool="unlisted"), GATEWAY))[0]
    assert len(asked) == 1


def _recording(asked: list[Any]) -> Callable[[Any], set[Any]]:
    def answer(references: Any) -> set[Any]:
        asked.append(references)
        return set()

    return answer


def test_without_a_database_events_are_accepted_without_warnings(api: FakeApi) -> None:
    def away(_: Any) -> set[Any]:
        raise OperationalError("select", {}, Exception("away"))

    api.fakes.read_model.answers[find_known] = away
    answer = post(api, a_review(tool="unlisted"))
    assert answer.status_code == 202
    assert warnings_of(answer) == [[]]


def test_a_wrong_value_of_dry_run_needs_a_token_first(api: FakeApi) -> None:
    assert post_to(api, "/v1/events?dry_run=maybe", a_category(), {}).status_code == 401


def test_a_rejected_event_has_no_warnings(api: FakeApi) -> None:
    assert "warnings" not in rejection(post(api, a_review(tool="unlisted", score=101)))


def test_a_fact_that_no_page_shows_is_a_warning(api: FakeApi) -> None:
    facts = [{"key": "context", "label": "Context", "type": "number"}]
    events = [
        a_category(category="fresh", facts=facts),
        a_listing(tool="new", category="fresh", facts={"context": {"value": "much"}}),
        a_listing(tool="newer", category="fresh", facts={"speed": {"value": 1}}),
        a_listing(tool="newest", category="fresh", facts={"context": {"value": 1}}),
    ]
    warned = warnings_of(post(api, events))
    assert [[(each["code"], each["pointer"]) for each in of_event] for of_event in warned] == [
        [],
        [("fact-type", "/data/facts/context/value")],
        [("unknown-fact", "/data/facts/speed")],
        [],
    ]
