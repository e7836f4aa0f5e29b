"""References are resolved when read, in whatever order their two ends came."""

import pytest

from projections.read.categories import find_category, list_categories
from projections.read.reviewers import list_reviewers, list_reviews_by
from projections.read.tools import find_tool, list_tools, read_tallies
from projections.read.voters import list_bookmarks, read_choices
from schemas.time.instants import to_datetime
from tests.harness.examples import (
    CATEGORY,
    FACT_DEFINITIONS,
    FACTS,
    MINUTE,
    NOON,
    TOOL,
    a_bookmark,
    a_category,
    a_listing,
    a_retirement,
    a_retracted_review,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration

LATER = NOON + MINUTE


def test_votes_wait_for_their_tool(journal: Journal) -> None:
    journal.apply(a_vote(), a_bookmark())
    assert journal.read(find_tool, TOOL) is None
    assert journal.read(read_tallies, [TOOL]) == {}
    assert journal.read(list_bookmarks, "v-1") == []
    journal.apply(a_listing())
    tool = journal.read(find_tool, TOOL)
    assert (tool.community.ship, tool.bookmarks) == (1, 1)
    assert journal.read(list_bookmarks, "v-1") == [TOOL]


def test_a_tool_without_votes_has_a_tally_of_nothing(journal: Journal) -> None:
    journal.apply(a_listing())
    tally = journal.read(read_tallies, [TOOL])[TOOL]
    assert (tally.community.verdict, tally.community.percent) == ("none", None)


def test_a_review_waits_for_its_reviewer_and_its_tool(journal: Journal) -> None:
    journal.apply(a_review())
    assert journal.read(list_reviews_by, "builder") == []
    journal.apply(a_listing())
    assert journal.read(find_tool, TOOL).panel.reviews == []
    journal.apply(a_reviewer())
    assert [review.reviewer for review in journal.read(find_tool, TOOL).panel.reviews] == [
        "builder"
    ]
    assert [review.tool for review in journal.read(list_reviews_by, "builder")] == [TOOL]


def test_reviews_come_in_the_order_of_the_reviewers(journal: Journal) -> None:
    names = {"zoe": 1, "ann": 2, "bob": 2}
    journal.apply(
        a_listing(),
        *(a_reviewer(reviewer, reviewer.title(), position) for reviewer, position in names.items()),
        *(a_review(reviewer=reviewer) for reviewer in names),
    )
    slugs = [review.reviewer for review in journal.read(find_tool, TOOL).panel.reviews]
    assert (
        slugs
        == [reviewer.reviewer for reviewer in journal.read(list_reviewers)]
        == ["zoe", "ann", "bob"]
    )


def test_a_retracted_review_is_gone_until_a_newer_one(journal: Journal) -> None:
    journal.apply(a_listing(), a_reviewer(), a_review(), a_retracted_review(time=LATER))
    assert journal.read(find_tool, TOOL).panel.mean is None
    journal.apply(a_review(70, time=LATER - 1))
    assert journal.read(find_tool, TOOL).panel.mean is None
    journal.apply(a_review(90, time=LATER + 1))
    assert journal.read(find_tool, TOOL).panel.mean == 90.0
    assert len(journal.rows("revisions")) == 4


def test_an_undefined_category_shows_its_slug(journal: Journal) -> None:
    journal.apply(a_listing(category="writing"))
    assert journal.read(find_tool, TOOL).category.name == "writing"
    assert journal.read(find_category, "writing").name == "writing"
    assert [category.name for category in journal.read(list_categories)] == ["writing"]
    journal.apply(a_category("writing", "Writing"))
    assert journal.read(find_tool, TOOL).category.name == "Writing"
    assert [category.name for category in journal.read(list_categories)] == ["Writing"]


def test_a_category_that_nothing_names_is_none(journal: Journal) -> None:
    assert journal.read(find_category, "writing") is None


def test_a_retirement_is_over_when_the_tool_is_listed_later(journal: Journal) -> None:
    journal.apply(a_listing(), a_retirement(time=LATER))
    tool = journal.read(find_tool, TOOL)
    assert (tool.retired, tool.retired_reason) == (to_datetime(LATER), "Its maker closed it.")
    assert journal.read(list_tools) == []
    assert [tool.tool for tool in journal.read(list_tools, retired=True)] == [TOOL]
    journal.apply(a_listing(time=LATER + 1))
    tool = journal.read(find_tool, TOOL)
    assert (tool.retired, tool.retired_reason) == (None, None)
    assert [tool.tool for tool in journal.read(list_tools)] == [TOOL]


def test_a_retirement_before_the_first_listing_retires_nothing(journal: Journal) -> None:
    journal.apply(a_retirement(), a_listing(time=LATER))
    assert journal.read(find_tool, TOOL).retired is None


def test_a_tool_that_was_only_retired_is_not_listed(journal: Journal) -> None:
    journal.apply(a_retirement())
    assert journal.read(find_tool, TOOL) is None
    assert journal.read(list_tools, retired=True) == []


def test_a_tool_is_listed_since_the_first_of_all_listings(journal: Journal) -> None:
    journal.apply(a_listing(time=LATER))
    journal.apply(a_listing(name="Older name", time=NOON))
    tool = journal.read(find_tool, TOOL)
    assert (tool.listed, tool.name) == (to_datetime(NOON), "SmolVLM 2.5")


def test_a_tool_without_best_for_is_best_for_its_tagline(journal: Journal) -> None:
    journal.apply(a_listing(tagline="Sees."))
    assert journal.read(find_tool, TOOL).best_for == "Sees."


def test_tools_come_in_pages_by_slug(journal: Journal) -> None:
    slugs = ["a", "a-1", "a1", "b", "c"]
    journal.apply(*(a_listing(slug) for slug in reversed(slugs)), a_retirement("b", time=LATER))
    first = journal.read(list_tools, limit=2)
    assert [tool.tool for tool in first] == ["a", "a-1"]
    second = journal.read(list_tools, limit=10, after="a-1")
    assert [tool.tool for tool in second] == ["a1", "c"]


def test_no_text_is_read_as_sql_or_json(journal: Journal) -> None:
    texts = [
        "%s %(name)s {x}",
        "'; drop table tools; --",
        '"\\u0000"',
        "\\x00",
        "{}",
        "null",
        "é😀",
    ]
    for number, content in enumerate(texts):
        journal.apply(a_listing(name=content, tagline=content, time=NOON + number))
        assert journal.read(find_tool, TOOL).name == content
        journal.apply(a_vote(voter=content))
        assert journal.read(read_choices, content) == {TOOL: "ship"}


def test_facts_come_by_key_and_those_of_a_category_in_its_order(journal: Journal) -> None:
    journal.apply(a_listing(facts=FACTS), a_category(facts=FACT_DEFINITIONS))
    facts = journal.read(find_tool, TOOL).facts
    assert list(facts.items()) == sorted(FACTS.items())
    assert journal.read(find_category, CATEGORY).facts == list(FACT_DEFINITIONS)


def test_a_later_listing_without_facts_takes_them_away(journal: Journal) -> None:
    journal.apply(a_listing(facts=FACTS), a_listing(time=LATER))
    assert journal.read(find_tool, TOOL).facts == {}
