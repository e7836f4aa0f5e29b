from collections.abc import Iterable, Sequence
from typing import Any

from publishers.views.tools.related_tools import Suggestion, alternatives, related
from publishers.views.tools.similar_tools import MAX_SIMILAR, SimilarTools
from schemas.records import Category, Tool
from tests.harness.records import BUILDER, SKEPTIC, a_review, a_tool

OTHER = Category("other", "Other", "", 1)


def reasons(suggestions: Iterable[Suggestion]) -> dict[str, str]:
    return {each.card.slug: each.reason for each in suggestions}


def test_an_alternative_leads_or_costs_less_or_is_liked_more() -> None:
    tool = a_tool("ada", "Ada", a_review(score=60), entry="freemium", votes=(5, 5))
    category = [
        tool,
        a_tool("ahead", "Ahead", a_review(score=90), entry="paid"),
        a_tool("behind", "Behind", a_review(score=20, verdict="skip"), entry="paid"),
        a_tool("cheap", "Cheap", a_review(score=30), entry="free"),
        a_tool("liked", "Liked", a_review(score=40), entry="paid", votes=(9, 1)),
    ]
    assert reasons(alternatives(tool, category)) == {
        "ahead": "beats it head to head",
        "cheap": "free to start",
        "liked": "90% community ship share, against 50%",
    }


def test_an_alternative_may_have_several_reasons() -> None:
    tool = a_tool("ada", "Ada", a_review(score=60), entry="paid")
    rival = a_tool("bob", "Bob", a_review(score=90), entry="free")
    assert reasons(alternatives(tool, [rival])) == {"bob": "beats it head to head, free to start"}


def test_the_best_few_alternatives_come_first() -> None:
    tool = a_tool("ada", "Ada", a_review(score=1))
    category = [a_tool(f"t{n}", f"T{n}", a_review(score=50 + n)) for n in range(6)]
    assert list(reasons(alternatives(tool, category))) == ["t5", "t4", "t3"]
    assert alternatives(tool, category) == alternatives(tool, category[::-1])


def similar_to(tool: Tool, others: Iterable[Tool]) -> Sequence[Suggestion]:
    """The suggestions on a tool's page, of a site with these others."""
    tools = {each.tool: each for each in [*others, tool]}
    return related((tools[slug], words) for slug, words in SimilarTools(tools.values()).of(tool))


def about(slug: str, text: str, category: Category = OTHER, **facts: Any) -> Tool:
    return a_tool(
        slug, slug, category=category, tagline=text, best_for=text, description=text, **facts
    )


def test_related_tools_share_distinctive_words_across_categories() -> None:
    tool = a_tool(
        "ada", "Ada", tagline="Transcribes meetings", best_for="Minutes", description="Speakers"
    )
    others = [
        about("near", "Minutes of meetings, with speakers"),
        about("far", "Meetings about gardens"),
        about(
            "same-category", "Minutes of meetings", category=Category("developer-tools", "D", "", 1)
        ),
        about("else", "Databases for vectors"),
    ]
    similar = similar_to(tool, [tool, *others])
    assert reasons(similar) == {"near": "shares “speakers”, “minutes”, “meetings”"}


def test_a_rarer_word_weighs_more() -> None:
    tool = about("ada", "local images offline archives", Category("c", "C", "", 1))
    common = [about(f"c{n}", f"local images number{n}") for n in range(4)]
    rare = about("rare", "offline archives")
    assert similar_to(tool, [*common, rare])[0].card.slug == "rare"


def test_votes_and_reviews_play_no_part_in_what_is_related() -> None:
    tool = about("ada", "offline archives", Category("c", "C", "", 1))
    quiet = about("bob", "offline archives")
    loud = about("bob", "offline archives", votes=(99, 1), bookmarks=5)
    assert [each.reason for each in similar_to(tool, [quiet])] == [
        each.reason for each in similar_to(tool, [loud])
    ]


def test_there_are_at_most_three_similar_tools_in_a_fixed_order() -> None:
    tool = about("ada", "offline archives", Category("c", "C", "", 1))
    others = [about(f"t{n}", "offline archives") for n in range(9)]
    assert [each.card.slug for each in similar_to(tool, others)] == ["t0", "t1", "t2"]
    assert similar_to(tool, others) == similar_to(tool, others[::-1])
    assert len(similar_to(tool, others)) == MAX_SIMILAR


def test_a_tool_alone_has_no_suggestions() -> None:
    tool = a_tool("ada", "Ada", a_review(BUILDER), a_review(SKEPTIC))
    assert alternatives(tool, [tool]) == similar_to(tool, [tool]) == []
