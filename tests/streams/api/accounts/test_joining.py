"""Browsers that sign in bring their votes and bookmarks along."""

import asyncio

import pytest

from infra.kafka.delivery import DeliveryUnknown
from projections.private.accounts.transfers import Transfer, begin_transfer, list_transfers
from schemas.topics import VOTES
from streams.api.http.problems import Problem
from tests.streams.api.accounts.conftest import AccountsApi

pytestmark = pytest.mark.integration


def pending(api: AccountsApi) -> list[Transfer]:
    with api.engine.connect() as connection:
        return list_transfers(connection)


def test_votes_and_bookmarks_of_two_browsers_become_one_persons(accounts: AccountsApi) -> None:
    laptop, phone = accounts.browser(), accounts.browser()
    laptop.vote("ship")
    laptop.vote("ship", "beta")
    accounts.clock.move(1)
    phone.vote("skip")
    phone.save("beta")
    assert accounts.tally("alpha") == {"ship": 1, "skip": 1}
    for browser in (phone, laptop):
        browser.sign_in()
        assert "verdicts_voter" not in browser.cookies()
    for browser in (phone, laptop):
        assert browser.me() == {
            "votes": {"alpha": "skip", "beta": "ship"},
            "bookmarks": ["beta"],
            "signed_in": True,
        }
    assert accounts.tally("alpha") == {"ship": 0, "skip": 1}
    assert accounts.tally("beta") == {"ship": 1, "skip": 0}
    assert pending(accounts) == []


@pytest.mark.parametrize("first", [0, 1])
def test_the_newer_choice_stays_in_whichever_order_browsers_sign_in(
    accounts: AccountsApi, first: int
) -> None:
    older, newer = accounts.browser(), accounts.browser()
    older.vote("ship")
    accounts.clock.move(1)
    newer.vote("skip")
    order = [older, newer] if first == 0 else [newer, older]
    for browser in order:
        browser.sign_in()
    assert older.me()["votes"] == newer.me()["votes"] == {"alpha": "skip"}
    assert accounts.tally("alpha") == {"ship": 0, "skip": 1}


def test_a_vote_that_the_account_took_back_later_does_not_return(accounts: AccountsApi) -> None:
    old, new = accounts.browser(), accounts.browser()
    old.vote("ship")
    accounts.clock.move(1)
    new.sign_in()
    new.vote("skip")
    accounts.clock.move(1)
    new.client.delete("/v1/tools/alpha/vote")
    old.sign_in()
    assert old.me()["votes"] == {}
    assert accounts.tally("alpha") == {"ship": 0, "skip": 0}


def test_signing_out_leaves_the_browser_a_stranger(accounts: AccountsApi) -> None:
    person = accounts.browser()
    person.vote("ship")
    person.sign_in()
    answer = person.client.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert person.cookies() == set()
    assert person.me() == {"votes": {}, "bookmarks": []}
    person.vote("skip")
    assert accounts.tally("alpha") == {"ship": 1, "skip": 1}
    assert len({event.data.voter for event in accounts.events()}) == 3


def test_a_vote_whose_answer_crossed_with_the_sign_in_joins_at_sign_out(
    accounts: AccountsApi,
) -> None:
    person, stray = accounts.browser(), accounts.browser()
    stray.vote("ship")
    person.sign_in()
    person.client.cookies.set("verdicts_voter", stray.client.cookies["verdicts_voter"])
    person.client.post("/sign-out")
    again = accounts.browser()
    again.sign_in()
    assert again.me()["votes"] == {"alpha": "ship"}
    assert accounts.tally("alpha") == {"ship": 1, "skip": 0}


@pytest.mark.parametrize("batches", [0, 1])
def test_a_transfer_that_the_broker_cuts_off_is_finished_later(
    accounts: AccountsApi, batches: int
) -> None:
    person = accounts.browser()
    person.vote("ship")
    path = person.ask()
    accounts.producer.refuse_after = batches
    accounts.producer.failure_to_come = DeliveryUnknown("cut off")
    assert person.use(path).status_code == 303
    assert len(pending(accounts)) == 1
    accounts.producer.refuse_after = accounts.producer.failure = None
    asyncio.run(accounts.components.transfers.run_pending(0))
    assert pending(accounts) == []
    assert person.me()["votes"] == {"alpha": "ship"}
    assert accounts.tally("alpha") == {"ship": 1, "skip": 0}


def test_a_transfer_waits_for_votes_that_are_not_applied_yet(accounts: AccountsApi) -> None:
    transfers = accounts.transfers(seconds=0.05)
    accounts.log_ends.ends = {(VOTES.name, 0): 20_000}
    with accounts.engine.begin() as connection:
        begin_transfer(connection, Transfer("somebody", "other"))
    with pytest.raises(Problem, match="No worker"):
        asyncio.run(transfers.empty(Transfer("somebody", "other")))
    assert len(pending(accounts)) == 1
    accounts.components.progress.applied.set((VOTES.name, 0), 20_000)
    asyncio.run(transfers.run_pending(0))
    assert pending(accounts) == []


def test_one_browser_has_one_heir(accounts: AccountsApi) -> None:
    person = accounts.browser()
    person.vote("ship")
    voter = person.client.cookies["verdicts_voter"]
    person.sign_in()
    other = accounts.browser()
    other.client.cookies.set("verdicts_voter", voter)
    other.sign_in("eve@example.org")
    assert other.me()["votes"] == {}
    assert person.me()["votes"] == {"alpha": "ship"}
