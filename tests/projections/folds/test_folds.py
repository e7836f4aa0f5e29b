from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.folds import handlers, votes
from projections.folds.registers import RegisterWrite, fold
from schemas.events import EVENT_TYPES, Event
from tests.harness.examples import (
    EVERY_TYPE,
    MINUTE,
    NOON,
    a_bookmark,
    a_category,
    a_digest,
    a_listing,
    a_removed_bookmark,
    a_retirement,
    a_retracted_review,
    a_retracted_vote,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.projections.histories import histories, splits

LATER = NOON + MINUTE


def folded(*events: Event) -> dict[str, dict[tuple[Any, ...], Mapping[str, Any]]]:
    """What the events leave in each table, by key."""
    tables = fold(events, handlers.HANDLERS)
    return {name: {write.key: write.values for write in rows} for name, rows in tables.items()}


def the_only(table: str, *events: Event) -> Mapping[str, Any]:
    rows = folded(*events)[table]
    assert len(rows) == 1
    return next(iter(rows.values()))


def ballot(*events: Event) -> int:
    choice: int = the_only("ballots", *events)["choice"]
    return choice


def test_every_type_has_its_fold() -> None:
    assert set(handlers.HANDLERS) == set(EVENT_TYPES.values())


def test_nothing_comes_of_nothing() -> None:
    assert folded() == {}


def test_a_newer_vote_replaces_the_older() -> None:
    ship, skip = a_vote("ship"), a_vote("skip", time=LATER)
    assert ballot(ship, skip) == ballot(skip, ship) == votes.SKIP


def test_an_old_retry_never_overrides_a_newer_vote() -> None:
    ship, skip = a_vote("ship"), a_vote("skip", time=LATER)
    assert ballot(ship, skip, ship) == ballot(ship, skip) == votes.SKIP


def test_a_vote_taken_back_stays_back_when_the_old_vote_returns() -> None:
    assert ballot(a_retracted_vote(time=LATER), a_vote()) == votes.NONE


def test_a_vote_after_a_retraction_counts_again() -> None:
    assert ballot(a_vote("skip", time=LATER), a_retracted_vote()) == votes.SKIP


def test_of_votes_at_one_time_the_greater_id_counts() -> None:
    assert ballot(a_vote("skip", id="b"), a_vote("ship", id="a")) == votes.SKIP


def test_of_votes_at_one_time_with_one_id_the_data_decides() -> None:
    assert ballot(a_vote("skip"), a_vote("ship")) == votes.SKIP
    assert ballot(a_retracted_vote(), a_vote("skip"), a_vote("ship")) == votes.NONE


def test_every_voter_and_tool_has_a_ballot_of_its_own() -> None:
    votes = [a_vote(voter=voter, tool=tool) for voter in ("v-1", "v-2") for tool in ("a", "b")]
    assert len(folded(*votes)["ballots"]) == 4


def test_a_bookmark_that_was_let_go_does_not_return() -> None:
    bookmark = the_only("bookmarks", a_removed_bookmark(time=LATER), a_bookmark())
    assert bookmark["kept"] is False


def test_a_bookmark_is_kept_since_the_last_time_it_was_added() -> None:
    row = the_only("bookmarks", a_bookmark(), a_removed_bookmark(), a_bookmark(time=LATER))
    assert row == {"kept": True, "time": LATER}


def test_of_equal_words_on_a_bookmark_letting_go_counts() -> None:
    events = a_bookmark(), a_removed_bookmark()
    assert the_only("bookmarks", *events) == the_only("bookmarks", *reversed(events))
    assert the_only("bookmarks", *events)["kept"] is False


def test_a_newer_listing_gives_the_facts_and_the_oldest_gives_the_date() -> None:
    events = a_listing(name="New", time=LATER), a_listing(name="Old")
    assert the_only("tools", *events)["name"] == "New"
    assert the_only("first_listings", *events)["time"] == NOON


def test_a_retirement_stands_beside_the_facts() -> None:
    tables = folded(a_listing(), a_retirement(reason="Closed.", time=LATER))
    assert list(tables["retirements"].values()) == [{"time": LATER, "reason": "Closed."}]
    assert len(tables["tools"]) == 1


def test_a_category_and_a_reviewer_are_what_was_said_last() -> None:
    assert the_only("categories", a_category(name="New", time=LATER), a_category())["name"] == "New"
    assert the_only("reviewers", a_reviewer(position=7, time=LATER), a_reviewer())["position"] == 7


def test_every_revision_of_a_review_is_kept_once() -> None:
    first, second = a_review(70), a_review(80, time=LATER)
    back = a_retracted_review(time=LATER + MINUTE)
    rows = folded(first, second, back, first, second)["revisions"].values()
    assert sorted((row["time"], row.get("score")) for row in rows if not row["retracted"]) == [
        (NOON, 70),
        (LATER, 80),
    ]
    assert sum(row["retracted"] for row in rows) == 1


def test_the_first_digest_of_a_week_counts() -> None:
    events = a_digest(digest="second", time=LATER), a_digest(digest="first")
    assert the_only("digests", *events)["digest"] == "first"


def test_rows_come_in_the_order_of_their_keys() -> None:
    votes = [a_vote(voter=voter) for voter in ("b", "é", "a", "😀", "\uffff", "Z")]
    keys = [write.key[0] for write in fold(votes, handlers.HANDLERS)["ballots"]]
    assert keys == sorted(keys, key=str.encode)


def test_every_type_writes_somewhere() -> None:
    tables = fold(EVERY_TYPE, handlers.HANDLERS)
    assert set(tables) == {
        *("categories", "removals", "tools", "first_listings", "retirements", "merges"),
        *("reviewers", "departures"),
        *("revisions", "ballots", "bookmarks", "digests"),
    }


def merged(*parts: Mapping[str, list[RegisterWrite]]) -> dict[str, list[RegisterWrite]]:
    """What one fold after the other leaves in the tables: the greater stamp stays."""
    newest: dict[tuple[str, Any], RegisterWrite] = {}
    for part in parts:
        for write in (write for rows in part.values() for write in rows):
            present = newest.get((write.table, write.key))
            if present is None or write.stamp > present.stamp:
                newest[write.table, write.key] = write
    tables: dict[str, list[RegisterWrite]] = {}
    for table, key in sorted(newest):
        tables.setdefault(table, []).append(newest[table, key])
    return tables


@settings(max_examples=60, deadline=None, derandomize=True)
@given(histories(), st.data())
def test_any_order_duplication_and_batching_folds_to_the_same(
    history: list[Event], data: Any
) -> None:
    batches = data.draw(splits(history))
    parts = [fold(batch, handlers.HANDLERS) for batch in batches]
    assert merged(*parts) == fold(history, handlers.HANDLERS)
