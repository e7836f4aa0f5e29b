"""Votes and bookmarks of browsers, with JavaScript."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from infra.kafka.delivery import DeliveryUnknown, NotWritten
from schemas.time.ahead import is_too_far_ahead
from streams.api.voting.vote_service import TALLY_SECONDS
from tests.streams.api.conftest import FakeApi

HERE = {"Origin": "http://127.0.0.1:8080"}
ALPHA = "/v1/tools/alpha/vote"
VOTES = ("verdicts.votes.v1", 0)
BOOKMARKS = ("verdicts.bookmarks.v1", 0)


@pytest.fixture
def quick(api: FakeApi) -> FakeApi:
    """An API on which every change is applied at once."""
    api.apply_all(VOTES, BOOKMARKS)
    return api


def vote(api: Any, choice: str = "ship", **headers: str) -> Any:
    return api.client.put(ALPHA, json={"choice": choice}, headers=headers or HERE)


def test_a_vote_is_answered_with_tally_and_own_choice(quick: FakeApi) -> None:
    answer = vote(quick)
    assert answer.status_code == 200
    assert answer.json() == {
        "tool": "alpha",
        "choice": "ship",
        "community": {"verdict": "none", "ship": 0, "skip": 0, "votes": 0, "percent": None},
        "bookmarks": 0,
        "version": 7,
        "saved": False,
    }
    (event,) = quick.events()
    assert (event.type, event.data.tool, event.data.choice) == ("vote.cast", "alpha", "ship")


def test_the_first_vote_creates_a_voter_and_later_ones_keep_it(quick: FakeApi) -> None:
    answer = vote(quick)
    cookie = answer.headers["set-cookie"]
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=34560000"):
        assert attribute in cookie
    assert "Secure" not in cookie
    vote(quick, "skip")
    quick.client.delete(ALPHA, headers=HERE)
    first, second, third = quick.events()
    assert first.data.voter == second.data.voter == third.data.voter
    assert first.time < second.time < third.time
    assert third.type == "vote.retracted"


def test_over_https_the_cookie_is_bound_to_the_host(make_api: Callable[..., FakeApi]) -> None:
    api = make_api(VERDICTS_PUBLIC_URL="https://verdicts.example")
    api.apply_all(VOTES)
    answer = vote(api, Origin="https://verdicts.example")
    assert answer.headers["set-cookie"].startswith("__Host-verdicts_voter=")
    assert "; Secure" in answer.headers["set-cookie"]


def test_workers_apply_a_vote_though_the_clock_jumps_back(quick: FakeApi) -> None:
    vote(quick)
    quick.fakes.clock.move(-3600)
    vote(quick, "skip")
    for event, record in zip(quick.events(), quick.sent, strict=True):
        assert not is_too_far_ahead(event.time, record.timestamp)


def test_a_voters_times_increase_though_the_clock_jumps_back(
    quick: FakeApi,
) -> None:
    vote(quick)
    quick.fakes.clock.move(-3600)
    vote(quick, "skip")
    first, second = quick.events()
    assert second.time > first.time


def test_a_forged_cookie_names_no_voter(quick: FakeApi) -> None:
    vote(quick)
    ((name, value),) = quick.client.cookies.items()
    quick.client.cookies.clear()
    for forged in (value[:-1] + ("0" if value[-1] != "0" else "1"), "1.x", "", value.upper()):
        vote(quick, "ship", Origin=HERE["Origin"], Cookie=f"{name}={forged}")
    voters = {event.data.voter for event in quick.events()}
    assert len(voters) == 5


def test_an_old_signing_key_still_reads_but_no_longer_writes(
    make_api: Callable[..., FakeApi],
) -> None:
    first, second = "o" * 32, "n" * 32
    old = make_api(VERDICTS_SECRET_KEY=first)
    new = make_api(VERDICTS_SECRET_KEY=f"{second},{first}")
    newest = make_api(VERDICTS_SECRET_KEY=second)
    cookie = old.components.voter_cookies.set_cookie(
        old.components.voter_cookies.create_voter()
    ).partition(";")[0]
    voter = new.components.voter_cookies.read({b"cookie": cookie.encode()})
    assert voter
    assert voter == old.components.voter_cookies.read({b"cookie": cookie.encode()})
    renewed = new.components.voter_cookies.set_cookie(voter).partition(";")[0]
    assert newest.components.voter_cookies.read({b"cookie": renewed.encode()}) == voter
    assert newest.components.voter_cookies.read({b"cookie": cookie.encode()}) is None


def test_removing_a_missing_vote_creates_no_voter_and_no_event(quick: FakeApi) -> None:
    answer = quick.client.delete(ALPHA, headers=HERE)
    assert (answer.status_code, answer.json()["choice"]) == (200, None)
    assert "set-cookie" not in answer.headers
    assert quick.sent == []


def test_a_bookmark_is_added_and_removed(quick: FakeApi) -> None:
    added = quick.client.put("/v1/bookmarks/alpha", headers=HERE)
    assert (added.status_code, added.json()["saved"], added.json()["choice"]) == (200, True, None)
    removed = quick.client.delete("/v1/bookmarks/alpha", headers=HERE)
    assert removed.json()["saved"] is False
    assert [event.type for event in quick.events()] == ["bookmark.added", "bookmark.removed"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "http://127.0.0.1:8081"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_only_our_own_pages_may_change_anything(quick: FakeApi, headers: dict[str, str]) -> None:
    for method, path in (("PUT", ALPHA), ("DELETE", ALPHA), ("PUT", "/v1/bookmarks/alpha")):
        answer = quick.client.request(method, path, json={"choice": "ship"}, headers=headers)
        assert answer.status_code == 403
    assert quick.sent == []


def test_sec_fetch_site_is_enough(quick: FakeApi) -> None:
    assert vote(quick, **{"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_plain_http_is_another_site_than_https(make_api: Callable[..., FakeApi]) -> None:
    api = make_api(VERDICTS_PUBLIC_URL="https://verdicts.example")
    assert vote(api, Origin="http://127.0.0.1:8080").status_code == 403


@pytest.mark.parametrize("slug", ["nobody", "a" * 500, "%00", "..%2f"])
def test_an_unknown_tool_is_not_found(quick: FakeApi, slug: str) -> None:
    answer = quick.client.put(f"/v1/tools/{slug}/vote", json={"choice": "ship"}, headers=HERE)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_retired_tool_takes_no_vote_and_no_bookmark_but_gives_them_back(quick: FakeApi) -> None:
    assert vote(quick).status_code == 200
    quick.sent.clear()
    for path in ("/v1/tools/gone/vote", "/v1/bookmarks/gone"):
        answer = quick.client.put(path, json={"choice": "ship"}, headers=HERE)
        assert answer.status_code == 410
    assert quick.sent == []
    taken_back = quick.client.delete("/v1/tools/gone/vote", headers=HERE)
    assert (taken_back.status_code, taken_back.json()["choice"]) == (200, None)
    removed = quick.client.delete("/v1/bookmarks/gone", headers=HERE)
    assert (removed.status_code, removed.json()["saved"]) == (200, False)
    assert [(event.type, event.data.tool) for event in quick.events()] == [
        ("vote.retracted", "gone"),
        ("bookmark.removed", "gone"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b'{"choice":"maybe"}', 422, "/choice"),
        (b'{"choice":null}', 422, "/choice"),
        (b'{"choice":"ship","voter":"me"}', 422, "/voter"),
        (b'{"choice":"ship","choice":"ship"}', 422, "/choice"),
        (b'{"choice":"skip", "\\u0063hoice" : "ship"}', 422, "/choice"),
        (b"{}", 422, "/choice"),
        (b"[]", 422, ""),
        (b"", 400, None),
        (b"ship", 400, None),
        (b'{"choice":"\\ud800"}', 400, None),
        (b'{"choice":"' + b"x" * 5000 + b'"}', 413, None),
    ],
)
def test_an_invalid_vote_is_explained(
    quick: FakeApi, body: bytes, status: int, pointer: str | None
) -> None:
    answer = quick.client.put(ALPHA, content=body, headers=HERE)
    assert (answer.status_code, answer.json().get("pointer")) == (status, pointer)
    assert quick.sent == []


def test_new_voters_of_a_network_are_limited_per_hour(make_api: Callable[..., FakeApi]) -> None:
    api = make_api(VERDICTS_NEW_VOTERS_PER_HOUR="2")
    api.apply_all(VOTES)
    statuses = []
    for _ in range(3):
        api.client.cookies.clear()
        answer = vote(api)
        statuses.append(answer.status_code)
    assert statuses == [200, 200, 429]
    assert int(answer.headers["retry-after"]) == 3601
    api.fakes.clock.move(3600)
    assert vote(api).status_code == 200


def test_the_limit_does_not_apply_to_known_voters(make_api: Callable[..., FakeApi]) -> None:
    api = make_api(VERDICTS_NEW_VOTERS_PER_HOUR="1")
    api.apply_all(VOTES)
    assert [vote(api).status_code for _ in range(5)] == [200] * 5


@pytest.mark.parametrize(
    ("failure", "word"),
    [(NotWritten("queue full"), "not saved"), (DeliveryUnknown("timed out"), "not known")],
)
def test_without_acknowledgement_the_response_is_503_and_the_voter_stays_the_same(
    quick: FakeApi, failure: NotWritten | DeliveryUnknown, word: str
) -> None:
    quick.fakes.producer.failure = failure
    answer = vote(quick)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert word in answer.json()["detail"]
    cookie = answer.headers["set-cookie"].partition(";")[0]
    quick.fakes.producer.failure = None
    again = vote(quick, Origin=HERE["Origin"], Cookie=cookie)
    voters = quick.components.voter_cookies
    renewed = again.headers["set-cookie"].partition(";")[0]
    before, after = (voters.read({b"cookie": text.encode()}) for text in (cookie, renewed))
    assert before
    assert after
    assert before.id == after.id


def test_a_vote_not_applied_in_time_gets_the_cached_tally_and_is_pending(api: FakeApi) -> None:
    answer = vote(api)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["choice"], body["version"], body["pending"]) == ("ship", 7, True)


def test_while_nothing_is_applied_only_the_first_vote_waits(api: FakeApi) -> None:
    waits = []
    for choice in ("ship", "skip", "ship"):
        began = time.monotonic()
        assert vote(api, choice).json()["pending"]
        waits.append(time.monotonic() - began)
    assert waits[0] >= TALLY_SECONDS > waits[1] + waits[2]


def test_a_vote_waits_again_once_anything_of_its_partition_is_applied(api: FakeApi) -> None:
    assert vote(api).json()["pending"]
    api.components.progress.apply([("applied", "verdicts.votes.v1/0/1")])
    api.apply_all(VOTES)
    assert "pending" not in vote(api, "skip").json()


def test_own_votes_and_bookmarks_are_read_by_cookie(quick: FakeApi) -> None:
    assert quick.client.get("/v1/me").json() == {"votes": {}, "bookmarks": []}
    vote(quick)
    name = quick.events()[0].data.voter
    quick.fakes.read_model.choices[name] = {"alpha": "ship"}
    quick.fakes.read_model.bookmarks[name] = ["beta", "gone"]
    assert quick.client.get("/v1/me").json() == {
        "votes": {"alpha": "ship"},
        "bookmarks": ["beta", "gone"],
    }
    own = quick.client.get("/v1/bookmarks")
    beta = {"tool": "beta", "name": "Beta", "path": "/tools/beta/", "panel_verdict": "none"}
    assert own.json() == {"items": [beta]}
    assert own.headers["cache-control"] == "private, no-cache"


def test_get_changes_nothing(quick: FakeApi) -> None:
    for path in (ALPHA, "/vote", "/bookmark", "/v1/bookmarks/alpha", "/v1/events"):
        assert quick.client.get(path, headers=HERE).status_code == 405
    assert quick.sent == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("slug", ["old", "v1", "tools", "vote", "bookmarks"])
@pytest.mark.parametrize("path", ["/v1/tools/{}/vote", "/v1/bookmarks/{}"])
def test_a_change_for_another_name_is_redirected_to_the_tool(
    quick: FakeApi, method: str, slug: str, path: str
) -> None:
    quick.fakes.read_model.merged[slug] = "alpha"
    answer = quick.client.request(
        method, path.format(slug), json={"choice": "ship"}, headers=HERE, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (308, path.format("alpha"))
    assert quick.events() == []
