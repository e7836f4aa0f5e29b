"""A merged tool is another name of a second one."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from projections.aliases.lookup import find_merged_into, find_moved_into
from projections.read.categories import find_category
from projections.read.reviewers import find_reviewer, list_reviews_by
from projections.read.tools import find_tool, list_tools, list_tools_in, read_tallies
from projections.read.voters import list_bookmarks, read_choices, read_own_states
from schemas.time.instants import to_datetime
from tests.harness.examples import (
    MINUTE,
    NOON,
    a_bookmark,
    a_category,
    a_departure,
    a_listing,
    a_merge,
    a_removal,
    a_removed_bookmark,
    a_retracted_vote,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration

LATER, LATEST = NOON + MINUTE, NOON + 2 * MINUTE
ANT, BEE, MERGED = a_listing("ant"), a_listing("bee"), a_merge("ant", "bee", time=LATER)


def counts(journal: Journal, tool: str) -> tuple[int, int, int]:
    tally = journal.read(read_tallies, [tool])[tool]
    return tally.community.ship, tally.community.skip, tally.bookmarks


def test_votes_and_bookmarks_count_for_the_other_tool_once_per_voter(journal: Journal) -> None:
    journal.apply(ANT, BEE, a_vote("ship", tool="ant"), a_vote("skip", tool="bee", time=LATER))
    journal.apply(a_bookmark(tool="ant"), a_bookmark(tool="bee", voter="v-2"))
    journal.apply(a_vote("ship", tool="ant", voter="v-2"), MERGED)
    assert counts(journal, "bee") == (1, 1, 2)
    assert journal.read(read_choices, "v-1") == {"bee": "skip"}
    assert journal.read(list_bookmarks, "v-1") == ["bee"]
    assert journal.read(find_tool, "ant") is None
    assert [tool.tool for tool in journal.read(list_tools)] == ["bee"]
    assert journal.read(find_merged_into, "ant") == "bee"


def test_votes_after_the_merge_count_once_whichever_name_they_give(journal: Journal) -> None:
    journal.apply(BEE, MERGED, a_vote("ship", tool="ant"))
    journal.apply(a_vote("skip", tool="bee", time=LATER))
    assert counts(journal, "bee") == (0, 1, 0)
    journal.apply(a_vote("ship", tool="ant", time=LATEST), a_bookmark(tool="ant"))
    assert counts(journal, "bee") == (1, 0, 1)
    journal.apply(a_retracted_vote(tool="bee", time=LATEST + 1))
    journal.apply(a_removed_bookmark(tool="bee", time=LATER))
    assert counts(journal, "bee") == (0, 0, 0)
    state = journal.read(read_own_states, [("v-1", "bee")])["v-1", "bee"]
    assert (state.choice, state.saved) == (None, False)


def test_a_tool_that_is_listed_later_stands_for_itself_again(journal: Journal) -> None:
    journal.apply(ANT, BEE, MERGED, a_vote(tool="ant"), a_vote("skip", tool="bee", voter="v-2"))
    journal.apply(a_listing("ant", time=LATEST))
    assert counts(journal, "ant") == (1, 0, 0)
    assert counts(journal, "bee") == (0, 1, 0)
    assert journal.read(find_merged_into, "ant") is None


def test_a_reviewer_counts_once_with_the_newer_review(journal: Journal) -> None:
    journal.apply(BEE, a_reviewer(), a_reviewer("skeptic", position=2), MERGED)
    journal.apply(a_review(70, "skip", tool="ant", time=LATER), a_review(90, tool="bee"))
    journal.apply(a_review(50, tool="ant", reviewer="skeptic"))
    panel = journal.read(find_tool, "bee").panel
    assert [(review.reviewer, review.score) for review in panel.reviews] == [
        ("builder", 70),
        ("skeptic", 50),
    ]
    assert [authored.tool for authored in journal.read(list_reviews_by, "skeptic")] == ["bee"]


def test_a_merge_marks_both_tools_and_a_vote_for_either_name_marks_the_one(
    journal: Journal,
) -> None:
    journal.apply(ANT, BEE)
    journal.dirty()
    version = journal.read(find_tool, "bee").version
    journal.apply(MERGED)
    assert journal.dirty() == [("tool", "ant"), ("tool", "bee")]
    merged = journal.read(find_tool, "bee").version
    journal.apply(a_vote(tool="ant"))
    assert journal.dirty() == [("tool", "bee")]
    assert version < merged < journal.read(find_tool, "bee").version
    journal.apply(a_review(tool="ant"))
    assert journal.dirty() == [("tool", "bee")]


def test_a_removed_category_gives_its_tools_to_another_or_leaves_them(journal: Journal) -> None:
    journal.apply(
        a_category("insects", "Insects"),
        a_category("pets", "Pets"),
        a_listing("ant", category="insects"),
    )
    journal.apply(a_removal("insects", "pets", time=LATER))
    assert [tool.category.name for tool in journal.read(list_tools_in, "pets")] == ["Pets"]
    assert journal.read(find_category, "insects") is None
    assert journal.read(find_moved_into, "insects") == "pets"
    journal.apply(a_removal("insects", time=LATEST))
    assert journal.read(find_category, "insects").name == "insects"
    journal.apply(a_category("insects", "Insects", time=LATEST + 1))
    assert journal.read(find_tool, "ant").category.name == "Insects"


def test_a_reviewer_who_left_keeps_the_reviews_and_counts_no_more(journal: Journal) -> None:
    journal.apply(ANT, a_reviewer(), a_review(tool="ant"), a_departure(reason="Sold.", time=LATER))
    panel = journal.read(find_tool, "ant").panel
    assert [review.former for review in panel.reviews] == [True]
    assert (panel.verdict, panel.ship, panel.mean) == ("none", 0, None)
    reviewer = journal.read(find_reviewer, "builder")
    assert (reviewer.left, reviewer.left_reason) == (to_datetime(LATER), "Sold.")
    journal.apply(a_reviewer(time=LATEST))
    assert journal.read(find_tool, "ant").panel.ship == 1


def test_a_merge_of_many_ballots_is_quick_and_votes_go_on_meanwhile(journal: Journal) -> None:
    """100,000 voters of each tool, every other one of both."""
    journal.apply(ANT, BEE)
    fill_ballots(journal, "ant", 0, 100_000)
    fill_ballots(journal, "bee", 50_000, 150_000)
    votes = Journal(journal.engine, ("tests.votes", 0))
    longest = during(votes, lambda: journal.apply(MERGED))
    assert longest < 2
    shown = counts(journal, "bee")
    assert shown[0] == 150_000 + votes.next
    journal.apply(a_listing("ant", time=LATEST))
    assert counts(journal, "ant")[0] == 100_000 + votes.next
    assert counts(journal, "bee")[0] == 100_000
    print(f"longest vote {longest:.2f} s, {votes.next} votes meanwhile")


def fill_ballots(journal: Journal, tool: str, first: int, end: int) -> None:
    """Store ballots for a tool, as votes of these numbers leave them."""
    with journal.engine.begin() as connection:
        voters = {"tool": tool, "first": first, "last": end - 1, "number": end - first}
        connection.execute(
            text(
                "insert into ballots (voter, tool, choice, stamp) "
                "select 'voter-' || n, :tool, 1, int8send(n) || '\\x01'::bytea "
                "from generate_series(:first, :last) n"
            ),
            voters,
        )
        connection.execute(
            text("update tallies set ship = :number where tool = :tool"),
            voters,
        )


def during(votes: Journal, act: Callable[[], Any]) -> float:
    """Act while others vote for `ant`; return the seconds of the slowest vote."""
    done, slowest = threading.Event(), [0.0]

    def vote() -> None:
        while not done.is_set():
            began = time.monotonic()
            votes.apply(a_vote(tool="ant", voter=f"late-{votes.next}"))
            slowest[0] = max(slowest[0], time.monotonic() - began)

    voter = threading.Thread(target=vote)
    voter.start()
    try:
        began = time.monotonic()
        act()
        assert time.monotonic() - began < 2
    finally:
        done.set()
        voter.join()
    return slowest[0]
