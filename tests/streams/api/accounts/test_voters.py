"""Who votes: an account, a browser's own voter, or nobody yet."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from projections.private.accounts.sessions import Session
from streams.api.accounts.sessions.session_cookie import SessionCookies, SessionTicket
from tests.streams.api.conftest import FakeApi

HERE = {"Origin": "http://127.0.0.1:8080"}
SECRET = "s" * 43
NAME = "n" * 22
KEYS = ["signs cookies in tests"]


def session_cookie(secret: str = SECRET, last: int = 0, keys: list[str] = KEYS) -> str:
    cookies = SessionCookies(keys, secure=False)
    return cookies.write(SessionTicket(secret, last), 60).partition(";")[0]


@pytest.fixture
def signed_in(api: FakeApi) -> FakeApi:
    """A browser that has signed in."""
    api.apply_all(("verdicts.votes.v1", 0), ("verdicts.bookmarks.v1", 0))
    expires = datetime.now(UTC) + timedelta(days=1)
    api.fakes.sessions.sessions[SECRET] = Session("1", 1, NAME, expires)
    api.client.headers["Cookie"] = session_cookie()
    return api


def vote(api: FakeApi, choice: str = "ship", **options: Any) -> Any:
    body = {"choice": choice}
    return api.client.put("/v1/tools/alpha/vote", json=body, headers=HERE, **options)


def test_a_vote_without_a_session_cookie_looks_nothing_up(api: FakeApi) -> None:
    api.apply_all(("verdicts.votes.v1", 0))
    vote(api)
    vote(api, "skip")
    api.client.get("/v1/me")
    assert api.fakes.sessions.lookups == 0
    assert len(api.sent) == 2


def test_votes_and_bookmarks_of_a_session_are_the_accounts(signed_in: FakeApi) -> None:
    answer = vote(signed_in)
    signed_in.client.put("/v1/bookmarks/alpha", headers=HERE)
    assert {event.data.voter for event in signed_in.events()} == {NAME}
    assert answer.headers["set-cookie"].startswith("verdicts_session=1.")
    assert "HttpOnly; SameSite=Lax" in answer.headers["set-cookie"]


def test_forms_of_a_session_are_the_accounts(signed_in: FakeApi) -> None:
    fields = {"tool": "alpha", "choice": "skip"}
    answer = signed_in.client.post("/vote", data=fields, headers=HERE, follow_redirects=False)
    assert answer.status_code == 303
    assert [event.data.voter for event in signed_in.events()] == [NAME]


def test_reads_of_a_session_are_the_accounts(signed_in: FakeApi) -> None:
    signed_in.fakes.read_model.choices[NAME] = {"alpha": "skip"}
    signed_in.fakes.read_model.bookmarks[NAME] = ["beta"]
    me = signed_in.client.get("/v1/me").json()
    assert me == {"votes": {"alpha": "skip"}, "bookmarks": ["beta"], "signed_in": True}
    assert signed_in.client.get("/v1/me/votes.json").json()[0]["tool"] == "alpha"
    assert signed_in.client.get("/v1/me/bookmarks.json").json()[0]["tool"] == "beta"
    assert signed_in.client.get("/v1/bookmarks").json()["items"][0]["tool"] == "beta"


def test_an_accounts_events_come_in_the_order_of_its_choices_in_all_browsers(
    signed_in: FakeApi,
) -> None:
    ahead = signed_in.fakes.clock.micros + 5_000_000
    signed_in.client.headers["Cookie"] = session_cookie(last=ahead)
    vote(signed_in)
    signed_in.client.headers["Cookie"] = session_cookie(last=0)
    vote(signed_in, "skip")
    assert [event.time for event in signed_in.events()] == [ahead + 1, ahead + 2]


@pytest.mark.parametrize(
    "cookie",
    [
        "verdicts_session=",
        "verdicts_session=nonsense",
        session_cookie("t" * 43),
        session_cookie()[:-1] + "x",
        session_cookie(keys=["other"]),
        session_cookie() + "\x7f",
    ],
)
def test_a_session_that_is_not_valid_leaves_the_browser_a_voter_of_its_own(
    signed_in: FakeApi, cookie: str
) -> None:
    signed_in.client.headers["Cookie"] = cookie
    answer = vote(signed_in)
    assert answer.status_code == 200
    assert answer.headers["set-cookie"].startswith("verdicts_voter=")
    assert [event.data.voter for event in signed_in.events()] != [NAME]


def test_over_https_the_cookie_is_bound_to_the_host() -> None:
    written = SessionCookies(KEYS, secure=True).write(SessionTicket(SECRET, 1), 60)
    assert written.startswith("__Host-verdicts_session=1.")
    assert written.endswith("; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure")


def test_a_cookie_stays_valid_while_keys_rotate() -> None:
    value = session_cookie(last=9, keys=["old"]).encode()
    assert SessionCookies(["new", "old"], secure=False).read({b"cookie": value}) == SessionTicket(
        SECRET, 9
    )
