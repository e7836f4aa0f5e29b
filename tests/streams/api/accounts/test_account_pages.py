"""The account's page, its sessions, export and erasure."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from infra.kafka.delivery import NotWritten
from projections.private.subscribers.addresses import parse_address
from projections.private.subscribers.links import Signup, SubscriptionLinks
from projections.private.subscribers.signups import confirm
from schemas.time.instants import to_datetime
from tests.streams.api.accounts.conftest import AccountsApi, PersonsBrowser, hidden

pytestmark = pytest.mark.integration
EMAIL = "Ann.Holder@Example.org"


@pytest.fixture
def person(accounts: AccountsApi) -> PersonsBrowser:
    """A signed-in browser with a vote and a bookmark."""
    browser = accounts.browser()
    browser.vote("ship")
    browser.save("beta")
    browser.sign_in(EMAIL)
    return browser


def subscribe(api: AccountsApi) -> None:
    address = parse_address(EMAIL)
    links = SubscriptionLinks(["signs cookies in tests"], "hides voters in tests")
    with api.engine.begin() as connection:
        signup, now = Signup(address.typed, api.clock.micros), to_datetime(api.clock.micros)
        confirm(connection, address, links.id_of(address), signup, now)


def everything_stored(api: AccountsApi) -> str:
    """All rows of the database as text, and all records of the log."""
    with api.engine.connect() as connection:
        tables = connection.execute(
            text(
                "select schemaname || '.' || tablename from pg_tables "
                "where schemaname = 'verdicts' or schemaname = current_schema()"
            )
        )
        rows = [
            str(connection.execute(text(f"select to_jsonb(t) from {name} as t")).all())
            for name in tables.scalars()
        ]
    records = [f"{record.key!r} {record.value!r} {record.headers}" for record in api.producer.sent]
    return "\n".join([*rows, *records]).lower()


def test_the_export_holds_everything(accounts: AccountsApi, person: PersonsBrowser) -> None:
    subscribe(accounts)
    answer = person.client.get("/v1/me/export")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    exported = answer.json()
    assert exported["email"] == EMAIL
    assert [(vote["tool"], vote["choice"]) for vote in exported["votes"]] == [("alpha", "ship")]
    assert exported["votes"][0]["time"].startswith("2025-11-20T10:00:00")
    assert [saved["tool"] for saved in exported["bookmarks"]] == ["beta"]
    assert len(exported["sessions"]) == 1
    assert exported["subscription"]["frequency"] == "weekly"
    names = {event.data.voter for event in accounts.events()}
    assert exported["voter"] in names


def test_without_a_session_there_is_nothing_to_see_or_do(accounts: AccountsApi) -> None:
    client = accounts.browser().client
    assert client.get("/v1/me/export").status_code == 401
    assert client.post("/me/sessions/revoke", data={"session": "others"}).status_code == 401
    assert client.post("/me/erase", data={"votes": "keep"}).status_code == 401
    assert client.post("/sign-out").status_code == 303


def test_a_session_is_revoked_in_every_process_within_seconds(
    accounts: AccountsApi, person: PersonsBrowser
) -> None:
    other = accounts.browser()
    other.sign_in(EMAIL)
    sessions = person.client.get("/v1/me/export").json()["sessions"]
    own = person.client.get("/v1/me/export").json()
    assert len(sessions) == len(own["sessions"]) == 2
    answer = person.client.post("/me/sessions/revoke", data={"session": "others"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/")
    assert "signed_in" not in other.me()
    assert person.me()["signed_in"]
    (last,) = person.client.get("/v1/me/export").json()["sessions"]
    ended = person.client.post("/me/sessions/revoke", data={"session": last["id"]})
    assert ended.headers["location"] == "/"
    assert "signed_in" not in person.me()


def test_sessions_of_others_cannot_be_revoked(
    accounts: AccountsApi, person: PersonsBrowser
) -> None:
    stranger = accounts.browser()
    stranger.sign_in("eve@example.org")
    (session,) = person.client.get("/v1/me/export").json()["sessions"]
    stranger.client.post("/me/sessions/revoke", data={"session": session["id"]})
    assert person.me()["signed_in"]
    assert stranger.client.post("/me/sessions/revoke", data={}).status_code == 422


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/sign-out", {}),
        ("/me/sessions/revoke", {"session": "others"}),
        ("/me/erase", {"votes": "keep"}),
    ],
)
def test_other_sites_change_nothing_and_unknown_ones_are_confirmed(
    accounts: AccountsApi, person: PersonsBrowser, path: str, fields: dict[str, Any]
) -> None:
    foreign = {"Origin": "https://evil.example"}
    assert person.client.post(path, data=fields, headers=foreign).status_code == 403
    asked = person.client.post(path, data=fields, headers={"Origin": "null"})
    assert asked.status_code == 200
    assert person.me()["signed_in"]
    done = person.client.post(path, data=hidden(asked), headers={"Origin": "null"})
    assert done.status_code == 303
    assert person.client.get(path).status_code in (404, 405)


def test_erasure_keeps_the_votes_without_any_link_to_the_person(
    accounts: AccountsApi, person: PersonsBrowser
) -> None:
    subscribe(accounts)
    accounts.browser().ask(EMAIL.upper())
    exported = person.client.get("/v1/me/export").json()
    secret = person.client.cookies["verdicts_session"]
    answer = person.client.post("/me/erase", data={"votes": "keep"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/erased/")
    assert person.cookies() <= {"verdicts_sign_in"}
    assert accounts.tally("alpha") == {"ship": 1, "skip": 0}
    stored = everything_stored(accounts)
    assert "holder" not in stored
    for session in exported["sessions"]:
        assert session["id"] not in stored
    stolen = accounts.browser(Cookie=f"verdicts_session={secret}")
    assert stolen.me() == {"votes": {}, "bookmarks": []}
    # The same address gets a new account, which has nothing of the former.
    again = accounts.browser()
    again.sign_in(EMAIL)
    assert again.me()["votes"] == {}
    assert again.client.get("/v1/me/export").json()["voter"] != exported["voter"]


def test_erasure_takes_the_votes_back_first_where_asked(
    accounts: AccountsApi, person: PersonsBrowser
) -> None:
    answer = person.client.post("/me/erase", data={"votes": "withdraw"})
    assert answer.status_code == 303
    assert accounts.tally("alpha") == {"ship": 0, "skip": 0}
    assert "holder" not in everything_stored(accounts)
    kinds = [event.type for event in accounts.events()]
    assert kinds[-2:] == ["vote.retracted", "bookmark.removed"]


def test_an_account_whose_votes_cannot_be_taken_back_stays(
    accounts: AccountsApi, person: PersonsBrowser
) -> None:
    accounts.producer.failure = NotWritten("away")
    answer = person.client.post("/me/erase", data={"votes": "withdraw"})
    assert answer.status_code == 503
    assert person.me()["signed_in"]
    accounts.producer.failure = None
    assert person.client.post("/me/erase", data={"votes": "withdraw"}).status_code == 303


@pytest.mark.parametrize("votes", ["", "all", "KEEP"])
def test_erasure_says_which_choices_there_are(person: PersonsBrowser, votes: str) -> None:
    answer = person.client.post("/me/erase", data={"votes": votes})
    assert answer.status_code == 422
    assert "keep or withdraw" in answer.text
    assert person.me()["signed_in"]


def test_pages_of_an_account_are_stored_nowhere(person: PersonsBrowser) -> None:
    page = person.client.get("/me/")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    assert json.dumps(EMAIL)[1:-1] in page.text
