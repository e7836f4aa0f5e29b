import pytest

from projections.read.voters import (
    OwnToolState,
    list_bookmarks,
    list_own_votes,
    list_saved_tools,
    read_choices,
    read_own_states,
)
from schemas.time.instants import to_datetime
from tests.harness.examples import (
    DAY,
    MINUTE,
    NOON,
    OTHER_TOOL,
    TOOL,
    a_bookmark,
    a_listing,
    a_removed_bookmark,
    a_retracted_vote,
    a_vote,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration


def test_bookmarks_come_newest_first(journal: Journal) -> None:
    bookmarks = [a_bookmark(tool=tool, time=NOON + n) for n, tool in enumerate(["b", "c", "a"])]
    journal.apply(*(a_listing(tool) for tool in "abc"), *bookmarks)
    assert journal.read(list_bookmarks, "v-1") == ["a", "c", "b"]
    journal.apply(a_removed_bookmark(tool="c", time=NOON + DAY))
    assert journal.read(list_bookmarks, "v-1") == ["a", "b"]


def test_a_voters_choices_are_theirs_alone(journal: Journal) -> None:
    journal.apply(a_vote(), a_vote("skip", tool=OTHER_TOOL), a_vote("skip", voter="v-2"))
    assert journal.read(read_choices, "v-1") == {TOOL: "ship", OTHER_TOOL: "skip"}


def test_a_voters_own_votes_and_bookmarks_are_read_with_their_names_and_times(
    journal: Journal,
) -> None:
    journal.apply(
        a_listing("alpha"),
        a_listing("beta"),
        a_bookmark(tool="alpha", voter="v"),
        a_vote("ship", tool="alpha", voter="v"),
        a_vote("skip", tool="beta", voter="v", time=NOON + MINUTE),
        a_vote("ship", tool="unlisted", voter="v"),
        a_vote("ship", tool="beta", voter="w"),
        a_retracted_vote(tool="alpha", voter="w"),
    )
    votes = journal.read(list_own_votes, "v")
    assert [(vote.tool, vote.choice) for vote in votes] == [("beta", "skip"), ("alpha", "ship")]
    assert (votes[0].time - votes[1].time).total_seconds() == MINUTE / 1_000_000
    (saved,) = journal.read(list_saved_tools, "v")
    assert (saved.tool, saved.time) == ("alpha", to_datetime(NOON))


def own_state(journal: Journal, tool: str) -> OwnToolState:
    """The state of voter `v`, read together with those of others."""
    pairs = [("w", tool), ("v", tool), ("v", "never listed")]
    states = journal.read(read_own_states, pairs)
    assert set(states) == set(pairs)
    return states["v", tool]


def test_an_own_state_names_the_voters_newest_applied_change(journal: Journal) -> None:
    assert own_state(journal, "alpha") == OwnToolState(None, False, 0)
    journal.apply(
        a_vote("ship", tool="alpha", voter="v"),
        a_bookmark(tool="alpha", voter="v", time=NOON + 1),
        a_vote("skip", tool="beta", voter="v", time=NOON + MINUTE),
        a_vote("skip", tool="alpha", voter="w", time=NOON + DAY),
    )
    newest = NOON + MINUTE
    assert own_state(journal, "alpha") == OwnToolState("ship", True, newest)
    assert own_state(journal, "beta") == OwnToolState("skip", False, newest)
    journal.apply(
        a_retracted_vote(tool="alpha", voter="v", time=NOON + DAY),
        a_removed_bookmark(tool="alpha", voter="v", time=NOON + DAY + 1),
    )
    assert own_state(journal, "alpha") == OwnToolState(None, False, NOON + DAY + 1)
