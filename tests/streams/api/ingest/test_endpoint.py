"""`POST /v1/events`, row by row of its contract."""

import asyncio
import gzip
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from infra.kafka.delivery import DeliveryUnknown, NotWritten
from schemas.time import instants
from schemas.time.ahead import is_too_far_ahead
from streams.api.http.problems import Problem
from streams.api.http.request_body import MAX_DISCARDED, read_body
from streams.api.http.shared_timeout import SharedTimeout
from streams.api.ingest.audit import positions
from streams.api.ingest.cloudevents.request_options import preferred_wait
from streams.api.ingest.endpoint import MAX_BYTES
from streams.api.ingest.results import Accepted
from tests.streams.api.conftest import FakeApi

EDITOR = {"Authorization": "Bearer editor"}
GATEWAY = {"Authorization": "Bearer gateway"}
BATCH = "application/cloudevents-batch+json"
NOON = "2025-11-20T12:00:00+02:00"  # 10:00 UTC, the time of FakeClock


def a_category(**differs: Any) -> dict[str, Any]:
    data = {"category": "editors", "name": "Editors", "description": "They write."}
    return {"type": "category.defined", "data": data | differs}


def a_review(**differs: Any) -> dict[str, Any]:
    data = {
        "tool": "alpha",
        "reviewer": "builder",
        "score": 88,
        "verdict": "ship",
        "body": "It works.",
    }
    return {"type": "review.submitted", "data": data | differs}


def a_vote(**differs: Any) -> dict[str, Any]:
    return {
        "type": "vote.cast",
        "data": {"tool": "alpha", "voter": "v-1", "choice": "ship"} | differs,
    }


def post(
    api: Any,
    value: Any,
    headers: dict[str, str] = EDITOR,
    content_type: str = "application/json",
    **more: str,
) -> Any:
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    sent = {"Content-Type": content_type, **headers, **more}
    return api.client.post("/v1/events", content=body, headers=sent)


def rejection(answer: Any) -> dict[str, Any]:
    (result,) = answer.json()["results"]
    assert result["status"] == "rejected"
    return result


def test_an_accepted_event_names_its_position_on_the_log(api: FakeApi) -> None:
    answer = post(api, a_category())
    assert answer.status_code == 202
    (result,) = answer.json()["results"]
    assert result["status"] == "accepted"
    assert result["topic"] == "verdicts.catalog.v1"
    assert (result["partition"], result["offset"]) == (0, 0)
    assert result["time"] == "2025-11-20T10:00:00Z"
    (event,) = api.events()
    assert (event.id, event.data.category) == (result["id"], "editors")


def test_server_times_strictly_increase_and_ids_follow_them(api: FakeApi) -> None:
    answer = post(api, [a_category() for _ in range(20)])
    times = [event.time for event in api.events()]
    ids = [result["id"] for result in answer.json()["results"]]
    assert times == sorted(set(times))
    assert ids == sorted(set(ids))


def test_events_in_order_stay_in_order(api: FakeApi) -> None:
    post(api, [a_category(category=f"c{number}") for number in range(120)])
    assert [event.data.category for event in api.events()] == [f"c{n}" for n in range(120)]


def test_a_given_id_and_time_are_kept(api: FakeApi) -> None:
    post(api, a_category() | {"id": "e-1", "time": NOON, "source": "/desk"})
    (event,) = api.events()
    assert (event.id, event.source, event.time) == ("e-1", "/desk", api.fakes.clock.micros)


def test_a_repeated_id_is_accepted_again(api: FakeApi) -> None:
    event = a_category() | {"id": "e-1", "time": NOON}
    assert [post(api, event).status_code for _ in range(2)] == [202, 202]


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/CloudEvents+JSON",
    ],
)
def test_one_event_or_an_array_may_come_as_any_json_type(api: FakeApi, kind: str) -> None:
    for value in (a_category(), [a_category()]):
        assert post(api, value, content_type=kind).status_code == 202


def test_a_batch_is_an_array(api: FakeApi) -> None:
    assert post(api, [a_category()], content_type=BATCH).status_code == 202
    assert post(api, a_category(), content_type=BATCH).status_code == 400


def test_editors_events_have_cloudevents_headers_and_votes_have_none(api: FakeApi) -> None:
    post(api, a_category() | {"id": "e-1", "time": NOON})
    post(api, a_vote(), GATEWAY)
    assert api.sent[0].headers == [
        ("ce_id", b"e-1"),
        ("ce_time", b"2025-11-20T10:00:00Z"),
        ("ce_type", b"category.defined"),
        ("verdicts-token", b"editor"),
    ]
    assert api.sent[1].headers is None


def test_the_log_says_which_token_sent_which_events(api: FakeApi) -> None:
    with capture_logs() as lines:
        post(api, [a_vote(), a_vote(choice="skip"), a_vote(choice="maybe")], GATEWAY)
        post(api, a_review(score=101))
    assert lines == [
        {
            "event": "events sent", "log_level": "info", "token": "gateway", "role": "gateway",
            "accepted": 2, "rejected": 1, "unknown": 0, "at": ["verdicts.votes.v1/0/0-1"],
        },
        {
            "event": "events sent", "log_level": "info", "token": "editor", "role": "editor",
            "accepted": 0, "rejected": 1, "unknown": 0, "at": [],
        },
    ]  # fmt: skip
    assert "v-1" not in str(lines)


def test_the_log_counts_events_of_unknown_outcome(api: FakeApi) -> None:
    api.fakes.producer.failure = DeliveryUnknown("no answer")
    with capture_logs() as lines:
        post(api, a_review())
    assert [(line["token"], line["accepted"], line["unknown"]) for line in lines] == [
        ("editor", 0, 1)
    ]


def test_offsets_in_a_row_are_named_together() -> None:
    offsets = [("a", 0, 7), ("a", 0, 9), ("b", 2, 1), ("a", 0, 8), ("a", 0, 11)]
    accepted = [Accepted("e", "t", *position) for position in offsets]
    assert positions(accepted) == ["a/0/7-9", "a/0/11", "b/2/1"]
    assert positions([]) == []


def test_workers_apply_events_without_times_though_the_clock_jumps_back(api: FakeApi) -> None:
    times_of_sending = []
    for seconds in (0, -3600):
        api.fakes.clock.move(seconds)
        times_of_sending.append(api.fakes.clock() // 1000)
        post(api, a_category())
    for event, record, sent in zip(api.events(), api.sent, times_of_sending, strict=True):
        assert not is_too_far_ahead(event.time, record.timestamp or sent)


def test_valid_events_are_accepted_beside_invalid_ones(api: FakeApi) -> None:
    answer = post(api, [a_review(), a_review(score=101)])
    assert answer.status_code == 207
    assert [result["status"] for result in answer.json()["results"]] == ["accepted", "rejected"]
    assert len(api.sent) == 1


def test_a_request_of_invalid_events_alone_is_unprocessable(api: FakeApi) -> None:
    answer = post(api, [a_review(score=101), a_review(score="88")])
    assert answer.status_code == 422
    assert api.sent == []


@pytest.mark.parametrize(
    ("event", "code", "pointer"),
    [
        (a_review(score=101), "invalid-value", "/data/score"),
        (a_review(score=-1), "invalid-value", "/data/score"),
        (a_review(score="88"), "invalid-value", "/data/score"),
        (a_review(verdict="maybe"), "invalid-value", "/data/verdict"),
        (a_review(tool="one-vs-two"), "invalid-value", "/data/tool"),
        (a_review(tool="vs"), "invalid-value", "/data/tool"),
        (a_review(tool="Alpha"), "invalid-value", "/data/tool"),
        (a_review(tool="a" * 81), "invalid-value", "/data/tool"),
        (a_review(body=""), "invalid-value", "/data/body"),
        (a_review(body="x" * 20_001), "invalid-value", "/data/body"),
        (a_review(body="a\0b"), "invalid-value", "/data/body"),
        (a_review(pros=["good", 5]), "invalid-value", "/data/pros"),
        (a_review(stars=5), "unknown-field", "/data/stars"),
        (a_review() | {"Subject": "x"}, "unknown-field", "/Subject"),
        (a_review() | {"specversion": "0.3"}, "invalid-value", "/specversion"),
        (a_review() | {"datacontenttype": "text/xml"}, "invalid-value", "/datacontenttype"),
        (a_review() | {"id": "e-1"}, "missing-field", "/time"),
        (a_review() | {"time": NOON}, "missing-field", "/id"),
        (a_review() | {"id": "", "time": NOON}, "invalid-value", "/id"),
        (a_review() | {"id": "x" * 129, "time": NOON}, "invalid-value", "/id"),
        (a_review() | {"id": "a\0", "time": NOON}, "invalid-value", "/id"),
        (a_review() | {"id": "e", "time": "yesterday"}, "invalid-time", "/time"),
        (a_review() | {"id": "e", "time": "2025-11-20T10:05:00.000001Z"}, "future-time", "/time"),
        (a_review() | {"type": "review.loved"}, "unknown-type", "/type"),
        ({"type": "review.submitted"}, "missing-field", "/data"),
        ({"data": {}}, "missing-field", "/type"),
        ([], "invalid-value", ""),
        (7, "invalid-value", ""),
    ],
)
def test_each_error_of_an_event_has_a_code_and_a_pointer(
    api: FakeApi, event: Any, code: str, pointer: str
) -> None:
    result = rejection(post(api, [event]))
    assert result["code"] == code
    assert result["pointer"].startswith(pointer)
    assert result["detail"]
    assert api.sent == []


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z"),
        ("2017-01-01T00:59:60.25+01:00", "2016-12-31T23:59:59.999999Z"),
        ("2024-12-31T23:59:59.999999Z", "2024-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_at_an_edge_is_accepted(api: FakeApi, text: str, stored: str) -> None:
    answer = post(api, a_category() | {"id": "e", "time": text})
    assert answer.status_code == 202
    assert answer.json()["results"][0]["time"] == stored
    assert api.events()[0].time == instants.parse(stored)


def test_a_time_may_be_five_minutes_ahead(api: FakeApi) -> None:
    event = a_review() | {"id": "e", "time": "2025-11-20T10:05:00Z"}
    assert post(api, event).status_code == 202


def test_a_rejection_names_the_events_id(api: FakeApi) -> None:
    event = a_review(score=101) | {"id": "e-9", "time": NOON}
    assert rejection(post(api, event))["id"] == "e-9"


def test_a_lone_surrogate_rejects_only_its_own_event(api: FakeApi) -> None:
    body = b'[{"type":"review.submitted","data":{"body":"\\ud800 x"}},%b]' % msgspec.json.encode(
        a_review(body="\N{GRINNING FACE}")
    )
    answer = post(api, body)
    assert answer.status_code == 207
    rejected, accepted = answer.json()["results"]
    assert (rejected["code"], rejected["pointer"]) == ("invalid-text", "/data/body")
    assert accepted["status"] == "accepted"
    assert api.events()[0].data.body == "\N{GRINNING FACE}"


def test_a_lone_surrogate_is_located_beside_and_within_deep_nesting(api: FakeApi) -> None:
    deep = b"[" * 400 + b"%b" + b"]" * 400
    for inside, name, pointer in ((b"", "b", "/b"), (b'"\\udfff"', "~/", "/a" + "/0" * 400)):
        body = msgspec.json.encode([{"a": msgspec.Raw(deep % inside), name: 0}])
        answer = post(api, body.replace(b":0", b':"\\ud800"'))
        assert answer.status_code == 422
        (rejected,) = answer.json()["results"]
        assert (rejected["code"], rejected["pointer"]) == ("invalid-text", pointer)


def test_a_duplicate_key_rejects_only_its_own_event(api: FakeApi) -> None:
    twice = b'{"type":"review.submitted","data":{"tool":"alpha","tool":"beta","score":1}}'
    answer = post(api, b"[%b,%b]" % (twice, msgspec.json.encode(a_review())))
    assert answer.status_code == 207
    rejected, accepted = answer.json()["results"]
    assert (rejected["code"], rejected["pointer"]) == ("duplicate-key", "/data/tool")
    assert rejected["detail"] == "The key 'tool' occurs more than once."
    assert accepted["status"] == "accepted"
    assert [event.data.tool for event in api.events()] == ["alpha"]


@pytest.mark.parametrize("kind", ["application/json", "application/cloudevents+json"])
def test_a_duplicate_key_rejects_a_single_event(api: FakeApi, kind: str) -> None:
    event = msgspec.json.encode(a_review())
    for body, pointer in (
        (event.replace(b'"type":', b'"type":"vote.cast","type":'), "/type"),
        (event.replace(b'"score":', b'"score":1, "score":'), "/data/score"),
        (event[:-1] + b',"ext":{"a":1,"a":2}}', "/ext/a"),
        (event[:-1] + b',"ext":{"\\ud800":1,"a":1,"a":2}}', "/ext/a"),
    ):
        assert rejection(post(api, body, content_type=kind))["pointer"] == pointer
    assert api.sent == []


def test_a_duplicate_key_behind_what_cannot_be_read_is_no_way_in(api: FakeApi) -> None:
    event = msgspec.json.encode(a_review())
    twice = event.replace(b'"score":', b'"score":1,"score":')
    for unread in (b"[" * 900 + b"]" * 900, b"1" * 5000):
        answer = post(api, twice[:-1] + b',"ext":' + unread + b"}")
        assert answer.status_code in (400, 422)
    assert api.sent == []


def test_deep_nesting_is_the_senders_error(api: FakeApi) -> None:
    for depth in range(300, 1_000, 5):
        body = b'[{"a":' + b"[" * depth + b"]" * depth + b',"b":"\\ud800"}]'
        assert post(api, body).status_code in (400, 422), depth


@pytest.mark.parametrize(
    "body",
    [b"", b"nope", b"{", b'{"a":}', b"[1,]", b"[NaN]", b'"text"', b"null", b"[]", b"\xff[]",
     b'[{"type":"\xff"}]', b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 50_000],
)  # fmt: skip
def test_anything_but_a_json_object_or_array_is_a_bad_request(api: FakeApi, body: bytes) -> None:
    answer = post(api, body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "detail"}


def test_500_events_are_accepted_and_501_are_too_many(api: FakeApi) -> None:
    assert post(api, [a_category()] * 500).status_code == 202
    assert post(api, [a_category()] * 501).status_code == 413


def test_a_body_over_a_mebibyte_is_too_large(api: FakeApi) -> None:
    body = b"[" + b" " * (1024 * 1024) + b"]"
    assert post(api, body).status_code == 413


@pytest.mark.parametrize("megabytes", [2, 10, 40])
def test_megabytes_that_trickle_in_are_too_large(api: FakeApi, megabytes: int) -> None:
    def trickle() -> Iterator[bytes]:
        for _ in range(megabytes * 16):
            yield b" " * 65_536

    headers = {**EDITOR, "Content-Type": "application/json"}
    assert api.client.post("/v1/events", content=trickle(), headers=headers).status_code == 413


def test_a_too_large_body_is_discarded_up_to_a_limit() -> None:
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 65_536
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    async def scene(headers: dict[bytes, bytes]) -> None:
        with pytest.raises(Problem) as refused:
            await read_body(receive, headers, 1024)
        assert refused.value.status == 413

    asyncio.run(scene({}))
    assert taken < MAX_DISCARDED + 5 * 65_536
    taken = 0
    asyncio.run(scene({b"content-length": b"999999999999"}))
    assert taken == 0


@pytest.mark.parametrize("parts", [[], [{"type": "http.request", "body": b"[", "more_body": True}]])
def test_a_missing_body_times_out(
    parts: list[dict[str, Any]],
) -> None:
    messages = list(parts)

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else await asyncio.Future[dict[str, Any]]()

    async def scene() -> None:
        with pytest.raises(Problem) as refused:
            await read_body(receive, {b"content-length": b"10"}, 1024, SharedTimeout(0.01))
        assert refused.value.status == 408
        assert refused.value.headers == {"Connection": "close"}

    asyncio.run(asyncio.wait_for(scene(), 10))


def test_a_client_that_disconnects_within_its_body_sends_no_event() -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"[", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    with pytest.raises(Problem) as refused:
        asyncio.run(read_body(receive, {}, 1024))
    assert refused.value.status == 400


def test_an_integer_may_be_written_with_a_point(api: FakeApi) -> None:
    """JSON Schema counts 88.0 as an integer, and so does our OpenAPI document."""
    body = msgspec.json.encode(a_review()).replace(b"88", b"88.0")
    assert post(api, body).status_code == 202
    assert post(api, body.replace(b"88.0", b"8.8e1")).status_code == 202
    first, second = api.events()
    assert [(repr(event.data.score)) for event in (first, second)] == ["88", "88"]
    assert rejection(post(api, body.replace(b"88.0", b"88.5")))["pointer"] == "/data/score"
    assert rejection(post(api, body.replace(b"88.0", b"101.0")))["pointer"] == "/data/score"
    assert rejection(post(api, body.replace(b"88.0", b"1e999")))["pointer"] == "/data/score"


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_a_body_in_gzip_is_inflated(api: FakeApi, coding: str) -> None:
    body = gzip.compress(msgspec.json.encode([a_category()]))
    assert post(api, body, EDITOR | {"Content-Encoding": coding}).status_code == 202


def test_an_inflated_body_is_bounded(api: FakeApi) -> None:
    body = gzip.compress(b" " * 2**28)
    assert len(body) < MAX_BYTES
    assert post(api, body, EDITOR | {"Content-Encoding": "gzip"}).status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"[]", gzip.compress(b"[]" * 99)[:-9], gzip.compress(b"[]") + b"x"],
    ids=["plain", "cut off", "with more behind it"],  # gzip's own bytes hold the time
)
def test_a_body_that_is_no_gzip_is_a_bad_request(api: FakeApi, body: bytes) -> None:
    answer = post(api, body, EDITOR | {"Content-Encoding": "gzip"})
    assert (answer.status_code, "gzip" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "zstd"])
def test_another_content_coding_is_unsupported(api: FakeApi, coding: str) -> None:
    answer = post(api, [a_category()], EDITOR | {"Content-Encoding": coding})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip")


def test_another_content_type_is_unsupported(api: FakeApi) -> None:
    assert post(api, a_category(), content_type="text/plain").status_code == 415


@pytest.mark.parametrize("authorization", ["", "Bearer nobody", "Basic editor", "Bearer"])
def test_without_a_valid_token_no_event_is_accepted(api: FakeApi, authorization: str) -> None:
    answer = post(api, a_category(), {"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert api.sent == []


def test_a_role_may_send_only_its_own_types(api: FakeApi) -> None:
    assert post(api, a_vote(), EDITOR).status_code == 403
    assert post(api, a_category(), GATEWAY).status_code == 403
    for event in (a_vote(), a_category()):
        assert post(api, event, {"Authorization": "Bearer admin"}).status_code == 202


def test_forbidden_types_are_rejected_beside_allowed_ones(api: FakeApi) -> None:
    answer = post(api, [a_category(), a_vote()], EDITOR)
    assert answer.status_code == 207
    assert answer.json()["results"][1]["code"] == "forbidden"


def test_no_token_may_send_a_frozen_digest(api: FakeApi) -> None:
    event = {"type": "digest.frozen", "data": {"week": "2025-W47", "digest": "{}"}}
    assert post(api, event, {"Authorization": "Bearer admin"}).status_code == 403


def test_each_gateway_has_its_own_pseudonym_for_a_voter(api: FakeApi) -> None:
    for token in ("gateway", "other", "gateway"):
        post(api, a_vote(), {"Authorization": f"Bearer {token}"})
    first, second, again = (event.data.voter for event in api.events())
    assert first == again != second
    assert len(first) == 22
    assert b"v-1" not in api.sent[0].value + api.sent[0].key
    assert api.sent[0].key == first.encode()


def test_an_undecided_delivery_is_reported_as_unknown(api: FakeApi) -> None:
    api.fakes.producer.failure = DeliveryUnknown("timed out")
    answer = post(api, a_category() | {"id": "e-1", "time": NOON})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"
    (result,) = answer.json()["results"]
    assert (result["id"], result["status"]) == ("e-1", "unknown")


def test_a_failed_delivery_is_reported_as_rejected(api: FakeApi) -> None:
    api.fakes.producer.failure = NotWritten("queue full")
    answer = post(api, a_category())
    assert answer.status_code == 503
    (result,) = answer.json()["results"]
    assert (result["status"], result["code"]) == ("rejected", "unavailable")


def test_a_record_too_large_for_the_broker_rejects_its_event(api: FakeApi) -> None:
    api.fakes.producer.failure = NotWritten("too large", too_large=True)
    assert rejection(post(api, a_category()))["code"] == "too-large"


def test_prefer_wait_answers_once_the_event_is_applied(api: FakeApi) -> None:
    api.apply_all(("verdicts.catalog.v1", 0))
    answer = post(api, a_category(), Prefer="wait=5")
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait"


def test_after_a_timed_out_wait_the_response_is_the_plain_one(api: FakeApi) -> None:
    answer = post(api, a_category(), Prefer="wait=1")
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers


@pytest.mark.parametrize(
    ("preferences", "seconds"),
    [
        (["wait=5"], 5),
        (["respond-async, wait=10"], 10),
        (["respond-async", "Wait = 7"], 7),
        (["wait=300"], 30),
        (["wait=99999999999"], 30),
        (["wait=" + "9" * 5000], 30),
        (["wait=0000000000005"], 5),
        (['wait="4"; x=y'], 4),
        (["wait=0"], 0),
        (["wait=-5"], 0),
        (["wait=soon"], 0),
        (["await=5"], 0),
        ([], 0),
    ],
)
def test_the_preference_is_read_as_rfc_7240_writes_it(preferences: list[str], seconds: int) -> None:
    assert preferred_wait(preferences) == seconds


@pytest.mark.parametrize(
    ("differs", "pointer"),
    [({"name": "\u200b"}, "/data/name"), ({"description": "a\x01b"}, "/data/description")],
)
def test_texts_that_no_new_event_may_hold_are_rejected_alone_and_in_a_batch(
    api: Any, differs: dict[str, Any], pointer: str
) -> None:
    assert rejection(post(api, a_category(**differs)))["pointer"] == pointer
    answer = post(api, [a_category(), a_category(**differs)], content_type=BATCH)
    assert answer.status_code == 207
    assert answer.json()["results"][1]["pointer"] == pointer
