"""Rows of accounts: people, sessions, links and transfers."""

import pytest
from sqlalchemy import Engine, text

from projections.private.accounts.people import (
    delete_account,
    find_account,
    find_voter_of,
    open_account,
)
from projections.private.accounts.sessions import (
    create_session,
    find_sessions,
    list_sessions,
    revoke_other_sessions,
    revoke_session,
)
from projections.private.accounts.sign_in_links import create_link, find_link, use_link
from projections.private.accounts.transfers import (
    Transfer,
    begin_transfer,
    finish_transfer,
    list_transfers,
    list_transfers_to,
)
from projections.private.subscribers.addresses import parse_address

pytestmark = pytest.mark.integration
ANN, BOB = parse_address("Ann@Example.org"), parse_address("bob@example.org")


def age(engine: Engine, table: str, column: str, seconds: int) -> None:
    with engine.begin() as connection:
        moved = f"update verdicts.{table} set {column} = {column} - make_interval(secs => :seconds)"
        connection.execute(text(moved), {"seconds": seconds})


def test_an_address_has_one_account_with_a_random_name(projected: Engine) -> None:
    with projected.begin() as connection:
        account = open_account(connection, ANN)
        again = open_account(connection, parse_address("ANN@example.org"))
        other = open_account(connection, BOB)
        assert again == account
        assert account.address == ANN
        assert len(account.voter) == 22
        assert account.voter != other.voter
        assert find_voter_of(connection, "ann@example.org") == account.voter
        assert delete_account(connection, account.id)
        assert not delete_account(connection, account.id)
        assert find_account(connection, account.id) is None
        assert open_account(connection, ANN).voter != account.voter


def test_a_session_ends_with_its_time_its_account_or_a_new_one_of_its_browser(
    projected: Engine,
) -> None:
    with projected.begin() as connection:
        account = open_account(connection, ANN)
        first = create_session(connection, account.id, account.voter, "Firefox on Linux", None)
        assert find_sessions(connection, [first.secret]) == {first.secret: first.session}
        second = create_session(connection, account.id, account.voter, "", first.secret)
        assert not find_sessions(connection, [first.secret])
        third = create_session(connection, account.id, account.voter, "", None)
        assert find_sessions(connection, [third.secret, first.secret, second.secret]) == {
            second.secret: second.session,
            third.secret: third.session,
        }
        assert not revoke_session(connection, account.id + 1, third.session.id)
        assert revoke_session(connection, account.id, third.session.id)
        assert not find_sessions(connection, [third.secret])
    age(projected, "sessions", "expires", 90 * 24 * 3600)
    with projected.begin() as connection:
        assert not find_sessions(connection, [second.secret])
        fourth = create_session(connection, account.id, account.voter, "", None)
        delete_account(connection, account.id)
        assert not find_sessions(connection, [fourth.secret])


def test_sessions_are_listed_by_their_last_use_and_all_but_one_end_at_once(
    projected: Engine,
) -> None:
    with projected.begin() as connection:
        account = open_account(connection, ANN)
        old = create_session(connection, account.id, account.voter, "Safari", None)
        new = create_session(connection, account.id, account.voter, "Chrome", None)
    age(projected, "sessions", "seen", 7200)
    with projected.begin() as connection:
        find_sessions(connection, [old.secret])
        assert [line.device for line in list_sessions(connection, account.id)] == [
            "Safari",
            "Chrome",
        ]
        assert revoke_other_sessions(connection, account.id, new.session.id) == 1
        assert [line.id for line in list_sessions(connection, account.id)] == [new.session.id]


def test_a_database_that_takes_no_writes_still_knows_its_sessions(projected: Engine) -> None:
    with projected.begin() as connection:
        account = open_account(connection, ANN)
        old = create_session(connection, account.id, account.voter, "Safari", None)
    age(projected, "sessions", "seen", 7200)
    with projected.begin() as connection:
        connection.execute(text("set transaction read only"))
        assert find_sessions(connection, [old.secret]) == {old.secret: old.session}


def test_a_link_works_once_within_15_minutes_and_knows_its_browser(projected: Engine) -> None:
    with projected.begin() as connection:
        token = create_link(connection, ANN, "verifier")
        late = create_link(connection, ANN, "verifier")
        for _ in range(2):
            seen = find_link(connection, token, "verifier")
            assert seen is not None
            assert seen.same_browser
        used = use_link(connection, token, "other")
        assert used is not None
        assert (used.address, used.same_browser) == (ANN, False)
        assert use_link(connection, token, "verifier") is None
    age(projected, "sign_in_links", "expires", 15 * 60)
    with projected.begin() as connection:
        assert find_link(connection, late, "verifier") is None
        assert use_link(connection, late, "verifier") is None
        create_link(connection, ANN, "")
        assert connection.scalar(text("select count(*) from verdicts.sign_in_links")) == 1


def test_a_transfer_stays_until_it_is_finished_and_has_one_heir(projected: Engine) -> None:
    with projected.begin() as connection:
        assert begin_transfer(connection, Transfer("browser", "ann")) == Transfer("browser", "ann")
        assert begin_transfer(connection, Transfer("browser", "bob")) == Transfer("browser", "ann")
        assert list_transfers_to(connection, "ann") == [Transfer("browser", "ann")]
        assert list_transfers(connection) == [Transfer("browser", "ann")]
        assert list_transfers(connection, 60) == []
        assert begin_transfer(connection, Transfer("browser")) == Transfer("browser", None)
        finish_transfer(connection, "browser")
        assert list_transfers(connection) == []
