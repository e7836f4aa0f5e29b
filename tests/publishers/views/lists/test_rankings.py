from datetime import timedelta
from itertools import pairwise

import pytest

from publishers.views.lists.rankings import MAX_RANKED, Ranking, rankings, wilson
from schemas.records import Category, Tool
from tests.harness.records import BUILDER, NOON, PANEL, a_review, a_tool

CATEGORY = Category("c", "C", "", 1)


@pytest.mark.parametrize(
    ("ship", "votes", "bound"),
    [
        # Found by bisecting the equation that defines the bound, (p - b)² = z² b (1 - b) / n.
        (0, 0, 0.0),
        (0, 10, 0.0),
        (1, 1, 0.2065),
        (5, 10, 0.2366),
        (9, 10, 0.5958),
        (10, 10, 0.7225),
        (85, 100, 0.7672),
        (600, 1000, 0.5693),
    ],
)
def test_the_lower_bound_is_wilsons(ship: int, votes: int, bound: float) -> None:
    assert wilson(ship, votes) == pytest.approx(bound, abs=5e-5)


def ranking_of(tools: list[Tool], slug: str) -> Ranking:
    return next(each for each in rankings(CATEGORY, tools).rankings if each.slug == slug)


def ranked(tools: list[Tool], slug: str) -> list[tuple[int, str]]:
    ranking = ranking_of(tools, slug)
    return [(tool.rank, tool.card.slug) for tool in ranking.ranked]


def unranked(tools: list[Tool], slug: str) -> list[str]:
    ranking = ranking_of(tools, slug)
    return [card.slug for card in ranking.unranked]


def test_many_votes_rank_above_a_few_lucky_ones() -> None:
    tools = [
        a_tool("lucky", "Lucky", votes=(10, 0)),
        a_tool("proven", "Proven", votes=(900, 100)),
        a_tool("doubted", "Doubted", votes=(40, 60)),
    ]
    assert ranked(tools, "community") == [(1, "proven"), (2, "lucky"), (3, "doubted")]


def test_a_tool_with_too_few_votes_is_not_ranked_and_named() -> None:
    tools = [a_tool("nine", "Nine", votes=(9, 0)), a_tool("ten", "Ten", votes=(4, 6))]
    assert ranked(tools, "community") == ranked(tools, "split") == [(1, "ten")]
    assert unranked(tools, "community") == unranked(tools, "split") == ["nine"]


def test_every_rule_states_its_minimum() -> None:
    rules = {ranking.slug: ranking.rule for ranking in rankings(CATEGORY, []).rankings}
    assert "Minimum 10 votes." in rules["community"]
    assert "Minimum 10 votes, and a ship share of 40 to 60%." in rules["split"]
    tied = [slug for slug, rule in rules.items() if "ties go to the tool with more" in rule]
    assert tied == ["community", "panel", "split"]
    assert "Minimum 2 reviews." in rules["panel"]
    assert rules["bookmarked"] == "By number of bookmarks."


def test_the_panels_mean_ranks_tools_that_two_reviewed() -> None:
    two = [a_review(member, 60) for member in PANEL[:2]]
    better = [a_review(member, 70) for member in PANEL[:2]]
    tools = [
        a_tool("once", "Once", a_review(BUILDER, 99)),
        a_tool("good", "Good", *two),
        a_tool("better", "Better", *better),
    ]
    assert ranked(tools, "panel") == [(1, "better"), (2, "good")]
    assert unranked(tools, "panel") == ["once"]


def test_the_most_split_comes_closest_to_half_and_half() -> None:
    tools = [
        a_tool("clear", "Clear", votes=(90, 10)),
        a_tool("even-few", "Even", votes=(10, 10)),
        a_tool("even-many", "Even", votes=(50, 50)),
        a_tool("near", "Near", votes=(49, 51)),
    ]
    assert [slug for _, slug in ranked(tools, "split")] == ["even-many", "even-few", "near"]
    assert unranked(tools, "split") == ["clear"]


def test_a_share_that_is_far_from_half_is_not_split() -> None:
    shares = {"40": (40, 60), "60": (60, 40), "61": (61, 39), "78": (78, 22)}
    tools = [a_tool(f"t{name}", name, votes=votes) for name, votes in shares.items()]
    assert {slug for _, slug in ranked(tools, "split")} == {"t40", "t60"}


def test_equal_figures_are_ties() -> None:
    tools = [a_tool("few", "Few", votes=(300, 80)), a_tool("many", "Many", votes=(3001, 1003))]
    tools += [a_tool(f"t{n}", "T", votes=(800 + n, 200)) for n in range(30)]
    page = rankings(CATEGORY, tools)
    community = next(each for each in page.rankings if each.slug == "community").ranked
    for one, other in pairwise(community):
        if one.figure == other.figure:
            assert one.card.votes >= other.card.votes


def test_equal_tools_share_a_rank() -> None:
    tools = [
        a_tool(slug, slug, bookmarks=number) for slug, number in zip("abc", (7, 9, 7), strict=True)
    ]
    assert ranked(tools, "bookmarked") == [(1, "b"), (2, "a"), (2, "c")]


def test_a_tool_without_bookmarks_is_not_ranked_by_them() -> None:
    assert ranked([a_tool("ada", "Ada")], "bookmarked") == []


def test_the_newest_was_first_listed_last() -> None:
    tools = [a_tool("ada", "Ada"), a_tool("bob", "Bob", listed=NOON + timedelta(days=1))]
    assert ranked(tools, "newest") == [(1, "bob"), (2, "ada")]


def test_a_ranking_is_bounded_and_does_not_depend_on_the_order_of_records() -> None:
    tools = [a_tool(f"t{n:02}", "T", votes=(n, 10), bookmarks=n % 3) for n in range(30)]
    assert rankings(CATEGORY, tools) == rankings(CATEGORY, tools[::-1])
    assert all(len(ranking.ranked) <= MAX_RANKED for ranking in rankings(CATEGORY, tools).rankings)
