from datetime import timedelta

from publishers.views.comparisons.comparison import comparison
from publishers.views.comparisons.scorecard import scorecard
from publishers.views.lists.category import MAX_COMPARED, category_page
from publishers.views.lists.home import disagreements, site_totals, worth_reading
from publishers.views.lists.reviewer import reviewer_page
from publishers.views.tools.tool import summary, tool_page
from schemas.history import History, PanelPoint
from schemas.records import Authored, Category, Reviewer, Verdict
from tests.harness.records import (
    BUILDER,
    FOUNDER,
    FUTURIST,
    NOON,
    PANEL,
    SKEPTIC,
    a_review,
    a_tool,
    claude,
    smolvlm,
)


def test_a_comparison_is_the_same_in_either_order() -> None:
    assert comparison(claude(), smolvlm(), PANEL) == comparison(smolvlm(), claude(), PANEL[::-1])


def test_the_decision_table_has_its_rows_in_order() -> None:
    rows = comparison(claude(), a_tool("zed", "Zed"), PANEL).rows
    assert [row.label for row in rows] == [
        "Panel verdict",
        "Community",
        "Pricing",
        "Best for",
        "Category",
        "Panel average",
        "Entry",
    ]
    assert rows[0].texts[0] == "Ship · 4 ship / 0 skip"
    assert rows[1].texts == ["Ship · 412 ship / 96 skip", "No community votes yet"]


def test_reviewers_are_sorted_by_position_then_slug() -> None:
    namesake = Reviewer("alter-ego", "Alter Ego", "Same seat.", SKEPTIC.position, 1)
    tool = a_tool("zed", "Zed", a_review(FOUNDER), a_review(SKEPTIC), a_review(namesake))
    lines = scorecard([tool], [FOUNDER, SKEPTIC, BUILDER, namesake])
    assert [line.name for line in lines] == ["Alter Ego", "Skeptic", "Founder"]


def test_a_reviewer_of_one_tool_has_no_opinion_of_the_other() -> None:
    reviewed = a_tool("ada", "Ada", a_review(BUILDER, 71))
    unreviewed = a_tool("bob", "Bob", a_review(SKEPTIC, 20, "skip"))
    builder, skeptic = scorecard([reviewed, unreviewed], PANEL)
    assert [opinion and opinion.score_line for opinion in builder.opinions] == [
        "71/100 · ship",
        None,
    ]
    assert [opinion and opinion.score_line for opinion in skeptic.opinions] == [
        None,
        "20/100 · skip",
    ]


def test_a_tools_summary_names_panel_and_community() -> None:
    assert summary(claude()) == "4 of 4 reviewers would ship it; 81% of 508 voters would ship it."
    assert summary(a_tool()) == "Not reviewed yet. Be the first to vote."
    assert summary(a_tool(votes=(1, 1))) == "Not reviewed yet; 50% of 2 voters would ship it."
    split = a_tool("zed", "Zed", a_review(BUILDER), a_review(SKEPTIC, 10, "skip"), votes=(1, 0))
    assert summary(split) == (
        "2 reviewers are split down the middle; 100% of 1 voter would ship it."
    )


def test_a_tool_is_not_its_own_rival() -> None:
    page = tool_page(claude(), [claude(), smolvlm()], PANEL)
    assert [rival.slug for rival in page.rivals] == ["smolvlm-2-5"]
    assert [pair.path for pair in page.pairs] == ["/compare/claude-4-api-vs-smolvlm-2-5/"]


def test_a_tool_of_a_large_category_is_compared_with_the_best() -> None:
    category = [a_tool(f"t{n:02}", f"T{n:02}", a_review(score=n)) for n in range(20)]
    page = tool_page(category[0], category, PANEL)
    assert len(page.rivals) == 19
    assert [pair.other.slug for pair in page.pairs][:2] == ["t19", "t18"]
    assert len(page.pairs) == 12


def test_a_category_is_sorted_by_average_then_community_then_slug() -> None:
    tools = [
        a_tool("bob", "Bob"),
        a_tool("ada", "Ada"),
        a_tool("liked", "Liked", votes=(3, 1)),
        a_tool("low", "Low", a_review(score=20)),
        a_tool("high", "High", a_review(score=90)),
    ]
    page = category_page(Category("c", "C", "", 1), tools)
    assert [card.slug for card in page.page.items] == ["high", "low", "liked", "ada", "bob"]


def test_a_large_category_compares_its_best() -> None:
    tools = [a_tool(f"t{n}", f"T{n}", a_review(score=n)) for n in range(MAX_COMPARED + 3)]
    page = category_page(Category("c", "C", "", 1), tools)
    assert not page.all_pairs
    assert len(page.pairs) == MAX_COMPARED * (MAX_COMPARED - 1) // 2
    assert page.pairs[0].path == "/compare/t6-vs-t7/"


def test_the_most_discussed_pair_of_each_category_is_worth_reading() -> None:
    other = Category("other", "Other", "", 1)
    tools = [
        a_tool("ada", "Ada", votes=(1, 0)),
        a_tool("bob", "Bob", votes=(2, 0)),
        a_tool("cyd", "Cyd", votes=(3, 0)),
        a_tool("alone", "Alone", category=other, votes=(99, 0)),
    ]
    assert [pair.path for pair in worth_reading(tools)] == ["/compare/bob-vs-cyd/"]
    assert worth_reading(tools) == worth_reading(tools[::-1])


def test_totals_count_over_all_tools() -> None:
    totals = site_totals([claude(), smolvlm(), a_tool("zed", "Zed")])
    assert (totals.tools, totals.reviews, totals.votes) == (3, 8, 873)
    assert totals.panel_verdicts == "2 Ship, 1 without a verdict"
    assert (totals.panel_percent, totals.community_percent) == ("100%", "82%")
    assert site_totals([]).panel_percent == "—"


def test_a_disagreement_needs_opposite_verdicts_and_enough_votes() -> None:
    liked = a_review(BUILDER, 90)
    tools = [
        a_tool("few", "Few", liked, votes=(0, 4)),
        a_tool("near", "Near", liked, votes=(4, 6)),
        a_tool("far", "Far", liked, votes=(0, 10)),
        a_tool("agreed", "Agreed", liked, votes=(10, 0)),
    ]
    assert [each.card.slug for each in disagreements(tools)] == ["far", "near"]


def test_a_reviewers_newest_review_comes_first() -> None:
    reviews = [
        Authored("old", "Old", a_review(FUTURIST, 10, "skip")),
        Authored("new", "New", a_review(FUTURIST, 90, time=NOON + timedelta(seconds=1))),
        Authored("also", "Also", a_review(FUTURIST, 90)),
    ]
    page = reviewer_page(FUTURIST, reviews)
    assert [entry.tool for entry in page.page.items] == ["New", "Also", "Old"]
    assert (page.ship, page.skip, page.mean) == (2, 1, "63.33")


def test_a_comparison_says_when_a_panel_verdict_last_changed() -> None:
    def point(days: int, verdict: Verdict) -> PanelPoint:
        return PanelPoint(NOON + timedelta(days=days), verdict, 1, 0, 100, 80.0)

    early = History([point(0, "ship"), point(1, "ship")])
    late = History([point(0, "ship"), point(3, "skip"), point(5, "skip")])
    change = comparison(claude(), smolvlm(), PANEL, [early, late]).verdict_change
    assert change == ("23 November 2026", "2026-11-23T12:00:00Z")
    assert comparison(claude(), smolvlm(), PANEL).verdict_change is None
