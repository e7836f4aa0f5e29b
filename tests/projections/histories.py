"""Random histories, in which times, ids and subjects collide as often as they can."""

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from schemas.events import Event
from tests.examples import (
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

TOOLS = st.sampled_from(["ant", "bee"])
CATEGORIES = st.sampled_from(["insects", "pets"])
REVIEWERS = st.sampled_from(["ann", "bob"])
VOTERS = st.sampled_from(["v", "é"])
CHOICES = st.sampled_from(["ship", "skip"])
# Moments before 1970 too; ids whose order differs between bytes, UTF-16 and a locale.
WHEN: dict[str, Any] = {
    "time": st.sampled_from([-5, 1, 2, 3_000_000]),
    "id": st.sampled_from(["a", "B", "\uffff", "😀"]),
}

_OF_TOOLS = [
    st.builds(a_category, CATEGORIES, st.sampled_from(["One", "Two"]), **WHEN),
    st.builds(
        a_listing,
        TOOLS,
        st.sampled_from(["Ant", "Emmet"]),
        CATEGORIES,
        best_for=st.sampled_from([None, "Crumbs"]),
        **WHEN,
    ),
    st.builds(a_retirement, TOOLS, st.sampled_from(["Closed.", "Sold."]), **WHEN),
    st.builds(a_reviewer, REVIEWERS, st.sampled_from(["Ann", "Bob"]), st.integers(1, 2), **WHEN),
]
_OF_REVIEWS = [
    st.builds(a_review, st.integers(70, 72), CHOICES, tool=TOOLS, reviewer=REVIEWERS, **WHEN),
    st.builds(a_retracted_review, tool=TOOLS, reviewer=REVIEWERS, **WHEN),
]
_OF_VOTERS = [
    st.builds(a_vote, CHOICES, tool=TOOLS, voter=VOTERS, **WHEN),
    st.builds(a_retracted_vote, tool=TOOLS, voter=VOTERS, **WHEN),
    st.builds(a_bookmark, tool=TOOLS, voter=VOTERS, **WHEN),
    st.builds(a_removed_bookmark, tool=TOOLS, voter=VOTERS, **WHEN),
]
_OF_WEEKS = [st.builds(a_digest, digest=st.sampled_from(["one", "two"]), **WHEN)]


def histories(largest: int = 24) -> st.SearchStrategy[list[Event]]:
    """Events in some order."""
    event = st.one_of(*_OF_TOOLS, *_OF_REVIEWS, *_OF_VOTERS, *_OF_WEEKS)
    return st.lists(event, max_size=largest)


@st.composite
def splits(draw: st.DrawFn, history: list[Event]) -> list[list[Event]]:
    """The same events in another order, some of them again, cut into batches anywhere."""
    again = draw(st.lists(st.sampled_from(history), max_size=6)) if history else []
    shuffled = draw(st.permutations([*history, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    edges = [0, *cuts, len(shuffled)]
    return [shuffled[start:end] for start, end in pairwise(edges)]
