import pytest

from projections.event_references import Dangling, Reference, find_known, list_dangling
from tests.harness.examples import (
    CATEGORY,
    TOOL,
    a_bookmark,
    a_category,
    a_listing,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration


def test_known_is_what_an_event_brought(journal: Journal) -> None:
    journal.apply(a_listing(), a_review())
    asked = [
        Reference("tool", TOOL),
        Reference("tool", "unlisted"),
        Reference("category", CATEGORY),
        Reference("reviewer", "builder"),
    ]
    assert journal.read(find_known, asked) == {asked[0]}
    journal.apply(a_category(), a_reviewer())
    assert journal.read(find_known, asked) == {asked[0], *asked[2:]}


def test_what_waits_for_something_unknown_is_listed_by_what_is_missing(journal: Journal) -> None:
    journal.apply(
        a_listing(),
        a_review(tool="alhpa", reviewer="builder"),
        a_review(reviewer="bilder"),
        a_reviewer(),
        a_vote(tool="unlisted", voter="v-1"),
        a_vote(tool="unlisted", voter="v-2", choice="skip"),
        a_bookmark(tool="unlisted"),
    )
    assert journal.read(list_dangling) == [
        Dangling("reviews", 1, "tool", "alhpa"),
        Dangling("reviews", 1, "reviewer", "bilder"),
        Dangling("votes", 2, "tool", "unlisted"),
        Dangling("bookmarks", 1, "tool", "unlisted"),
        Dangling("tools", 1, "category", CATEGORY),
    ]


def test_nothing_waits_once_everything_exists(journal: Journal) -> None:
    journal.apply(a_listing(), a_category(), a_reviewer(), a_review(), a_vote(), a_bookmark())
    assert journal.read(list_dangling) == []
