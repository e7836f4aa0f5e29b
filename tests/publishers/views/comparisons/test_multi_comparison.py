from itertools import permutations
from typing import Any

from publishers.views.comparisons.multi_comparison import answer_among, multi_comparison
from schemas.records import Choice, Tool
from tests.harness.records import BUILDER, PANEL, SKEPTIC, a_review, a_tool, claude, smolvlm


def scored(slug: str, score: Any, **facts: Any) -> Tool:
    verdict: Choice = "ship" if score >= 50 else "skip"
    return a_tool(slug, slug.title(), a_review(BUILDER, score, verdict), **facts)


ADA, BOB, CYD = scored("ada", 90), scored("bob", 80), scored("cyd", 20)


def test_the_order_of_the_tools_changes_nothing() -> None:
    pages = [multi_comparison(list(tools), PANEL) for tools in permutations((ADA, BOB, CYD))]
    assert all(page == pages[0] for page in pages)
    assert pages[0].title == "Ada vs Bob vs Cyd"


def test_a_tool_that_beats_every_other_leads() -> None:
    outcome = answer_among([CYD, BOB, ADA])
    assert outcome.leader == "ada"
    assert str(outcome) == (
        "Ada leads: it beats each of the others; against Bob, the closest, the panel ships both "
        "and scores it 90 out of 100, against 80."
    )


def test_two_unbeaten_tools_tie_for_first() -> None:
    outcome = answer_among([scored("ada", 90), scored("bob", 90, entry="paid"), CYD])
    assert outcome.leader is None
    assert outcome.headline == "Ada and Bob tie for first"
    assert outcome.reason.startswith("the panel ships both, level at 90 out of 100; ")
    assert "the difference is price: " in outcome.reason


def test_three_level_tools_tie_for_first() -> None:
    outcome = answer_among([scored(slug, 90) for slug in ("ada", "bob", "cyd")])
    assert str(outcome) == "Ada, Bob and Cyd tie for first: none of them beats another."


def test_an_unbeaten_tool_with_a_tie_comes_first() -> None:
    level = scored("bob", 80.5, votes=(1, 9))
    outcome = answer_among([scored("ada", 81), level, scored("cyd", 79.9, votes=(9, 1))])
    assert outcome.leader == "ada"
    assert str(outcome) == "Ada comes first: no other tool beats it, though it only ties with Bob."


def test_a_circle_has_no_leader() -> None:
    # Level for the panel, so that the community decides, but ada and cyd lie a point apart.
    circle = [
        scored("ada", 80, votes=(9, 1)),
        scored("bob", 80.6, votes=(5, 5)),
        scored("cyd", 81.2, votes=(1, 9)),
    ]
    assert answer_among(circle).headline == "No clear leader"


def test_equal_rows_and_reviewers_are_marked() -> None:
    tools = [
        a_tool("ada", "Ada", a_review(BUILDER, 90), a_review(SKEPTIC, 60), entry="free"),
        a_tool("bob", "Bob", a_review(BUILDER, 80), entry="paid"),
        a_tool("cyd", "Cyd", a_review(BUILDER, 70), a_review(SKEPTIC, 20, "skip"), entry="free"),
    ]
    page = multi_comparison(tools, PANEL)
    assert [row.label for row in page.rows if row.alike] == [
        "Community",
        "Pricing",
        "Best for",
        "Category",
    ]
    assert [(row.name, row.alike) for row in page.scorecard] == [
        ("Builder", True),
        ("Skeptic", False),
    ]


def test_a_multi_comparison_links_to_its_pairs() -> None:
    page = multi_comparison([claude(), smolvlm(), ADA], PANEL)
    assert [pair.path for pair in page.pairs] == [
        "/compare/ada-vs-claude-4-api/",
        "/compare/ada-vs-smolvlm-2-5/",
        "/compare/claude-4-api-vs-smolvlm-2-5/",
    ]
    assert not page.full
    assert multi_comparison([claude(), smolvlm(), ADA, BOB], PANEL).full
