"""Random histories, in which times, ids and subjects collide as often as they can."""

from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET

from schemas.events import Event
from schemas.facts.values import Fact
from tests.harness.examples import (
    a_bookmark,
    a_category,
    a_departure,
    a_digest,
    a_listing,
    a_merge,
    a_removal,
    a_removed_bookmark,
    a_retirement,
    a_retracted_review,
    a_retracted_vote,
    a_review,
    a_reviewer,
    a_vote,
)

TOOLS = st.sampled_from(["ant", "bee", "cat"])
CATEGORIES = st.sampled_from(["insects", "pets", "food"])
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
        facts=st.sampled_from([UNSET, {"legs": Fact(6)}]),
        **WHEN,
    ),
    st.builds(a_retirement, TOOLS, st.sampled_from(["Closed.", "Sold."]), **WHEN),
    st.builds(a_removal, CATEGORIES, st.one_of(st.none(), CATEGORIES), **WHEN),
    st.builds(a_departure, REVIEWERS, **WHEN),
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
_OF_NAMES = [
    st.builds(a_merge, TOOLS, TOOLS, **WHEN),
    st.builds(a_merge, TOOLS, TOOLS, **WHEN),
    st.builds(a_listing, TOOLS, **WHEN),
]
_OF_WEEKS = [st.builds(a_digest, digest=st.sampled_from(["one", "two"]), **WHEN)]


LISTED = [a_listing("ant", "Ant", "insects", time=1), a_listing("bee", "Bee", "pets", time=1)]
JOINED = [a_reviewer("ann", "Ann", time=1), a_reviewer("bob", "Bob", time=1)]


def histories(largest: int = 24) -> st.SearchStrategy[list[Event]]:
    """Events in some order: of one kind, so that they meet in few registers, or of all kinds."""

    def some(*kinds: st.SearchStrategy[Event], least: int = 0) -> st.SearchStrategy[list[Event]]:
        return st.lists(st.one_of(*kinds), min_size=least, max_size=largest)

    half = largest // 2
    return st.one_of(
        some(*_OF_VOTERS, least=half).map(LISTED.__add__),
        some(*_OF_VOTERS, *_OF_NAMES, least=half).map(LISTED.__add__),
        some(*_OF_REVIEWS, *_OF_NAMES, least=half).map([*LISTED, *JOINED].__add__),
        some(*_OF_TOOLS, *_OF_NAMES, least=half),
        some(*_OF_TOOLS, *_OF_NAMES, *_OF_REVIEWS, *_OF_VOTERS, *_OF_WEEKS),
    )


def merge_histories(largest: int = 30) -> st.SearchStrategy[list[Event]]:
    """Events in some order of listed tools, most of them merges, votes, reviews and departures.

    Merges of three tools make chains, circles and circles of one; listings end some of them.
    """
    kinds = [*_OF_NAMES, *_OF_NAMES, *_OF_VOTERS, *_OF_REVIEWS, *_OF_TOOLS]
    some = st.lists(st.one_of(*kinds), min_size=largest // 3, max_size=largest)
    return some.map([*LISTED, *JOINED].__add__)


def splits(history: list[Event]) -> st.SearchStrategy[list[list[Event]]]:
    """The same events in another order, some of them again, cut into batches anywhere."""
    # Drawn by a seed: order drawn event by event stays close to the order that it was given in.
    return st.integers(0, 2**32).map(lambda seed: _split(history, Random(seed)))


def _split(history: list[Event], chance: Random) -> list[list[Event]]:
    shuffled = [*history, *chance.choices(history, k=chance.randint(0, 6))] if history else []
    chance.shuffle(shuffled)
    cuts = sorted(chance.randint(0, len(shuffled)) for _ in range(chance.randint(1, 6)))
    return [shuffled[start:end] for start, end in pairwise([0, *cuts, len(shuffled)])]
