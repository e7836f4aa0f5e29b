from itertools import combinations
from typing import Any

import msgspec

from publishers.views.comparisons.leader_and_reason import compare_tools, preferred
from schemas.records import Tool
from tests.harness.records import BUILDER, FUTURIST, SKEPTIC, a_review, a_tool, claude, smolvlm


def scored(slug: str, *scores: int, **facts: Any) -> Tool:
    """A tool of that slug and name; scores from 50 up say ship."""
    panel = [BUILDER, SKEPTIC, FUTURIST]
    reviews = [
        a_review(member, score, "ship" if score >= 50 else "skip")
        for member, score in zip(panel, scores, strict=False)
    ]
    return a_tool(slug, slug.title(), *reviews, **facts)


def test_a_better_panel_verdict_leads() -> None:
    outcome = compare_tools(scored("ada", 60, 60), scored("bob", 99, 40))
    assert outcome.leader == "ada"
    assert str(outcome) == "Ada leads: the panel ships it (2 of 2) and is split on Bob."


def test_a_better_verdict_leads_whatever_the_mean_says() -> None:
    assert compare_tools(scored("ada", 51, 51, 0), scored("bob", 100, 49, 49)).leader == "ada"


def test_between_equal_verdicts_the_higher_mean_leads() -> None:
    outcome = compare_tools(scored("ada", 80, 70), scored("bob", 90, 85))
    assert (
        str(outcome) == "Bob leads: the panel ships both and scores it 87.5 out of 100, against 75."
    )


def test_a_lead_among_two_skipped_tools_is_no_praise() -> None:
    outcome = compare_tools(scored("ada", 30), scored("bob", 10))
    assert outcome.headline == "Ada leads, though neither convinces"


def test_the_answer_says_whether_the_community_agrees() -> None:
    ada, bob = scored("ada", 90), scored("bob", 70, votes=(9, 1))
    assert "community" not in str(compare_tools(ada, bob))
    agreeing = scored("ada", 90, votes=(10, 0))
    opposed = scored("ada", 90, votes=(1, 9))
    assert str(compare_tools(agreeing, bob)).endswith(", and the community agrees.")
    assert str(compare_tools(opposed, bob)).endswith(", though the community disagrees.")


def test_means_less_than_a_point_apart_are_level_and_the_community_decides() -> None:
    ada = scored("ada", 80, 81, votes=(5, 5))
    bob = scored("bob", 81, 81, votes=(8, 2))
    outcome = compare_tools(ada, bob)
    assert outcome.leader == "bob"
    assert "level at 80.5 and 81 out of 100" in outcome.reason
    assert "80% of its voters would ship it, against 50% for Ada" in outcome.reason


def test_a_few_votes_do_not_decide() -> None:
    few, many = scored("ada", 80, votes=(4, 0)), scored("bob", 80, votes=(1, 99))
    assert preferred(few, many) is None
    assert compare_tools(few, many).leader is None


def test_a_tie_names_the_price_when_that_differs() -> None:
    outcome = compare_tools(claude(), smolvlm())
    assert outcome.leader is None
    assert outcome.headline == "It is a tie"
    assert "SmolVLM 2.5 is free" in outcome.reason
    assert "Prompt Caching is paid" in outcome.reason


def test_a_tie_of_the_same_price_names_what_each_is_best_for() -> None:
    first, second = scored("ada", 80, best_for="*Maps*."), scored("bob", 80, best_for="Lists")
    assert "Ada is best for “Maps”, Bob for “Lists”" in str(compare_tools(first, second))


def test_a_tool_that_the_panel_ships_leads_one_without_reviews() -> None:
    outcome = compare_tools(scored("ada"), scored("bob", 70))
    assert str(outcome) == (
        "Bob leads for now: the panel ships it (1 of 1) and has not reviewed Ada yet."
    )


def test_a_skipped_tool_does_not_lead_one_without_reviews() -> None:
    outcome = compare_tools(scored("ada", 20), scored("bob"))
    assert outcome.leader is None
    assert str(outcome) == (
        "No leader yet: the panel skips Ada (1 of 1) and has not reviewed Bob yet."
    )


def test_without_any_review_the_community_decides_or_it_is_a_tie() -> None:
    ada, bob = scored("ada", votes=(9, 1)), scored("bob", votes=(2, 8))
    assert compare_tools(ada, bob).leader == "ada"
    assert str(compare_tools(scored("ada"), scored("bob"))).startswith(
        "It is a tie: the panel has reviewed neither yet; the difference is purpose: "
    )


def test_a_tool_with_reviews_of_former_reviewers_alone_is_no_reviewed_one() -> None:
    former = msgspec.structs.replace(a_review(), former=True)
    outcome = compare_tools(scored("ada", 90), a_tool("bob", "Bob", former))
    assert str(outcome) == (
        "Ada leads for now: the panel ships it (1 of 1) and has not reviewed Bob yet."
    )


def test_a_former_reviewer_is_not_among_those_who_agree() -> None:
    former = msgspec.structs.replace(a_review(SKEPTIC, verdict="skip"), former=True)
    ada = a_tool("ada", "Ada", a_review(), former)
    assert "the panel ships it (1 of 1)" in str(compare_tools(ada, scored("bob", 20)))


def test_the_order_of_the_two_never_changes_the_leader() -> None:
    category = [
        scored("ada", 90, 80),
        scored("bob", 90, 80, votes=(8, 2)),
        scored("cyd", 20, votes=(3, 7)),
        scored("dan"),
        scored("eve", 60, 40, votes=(5, 5)),
    ]
    for first, second in combinations(category, 2):
        assert compare_tools(first, second).leader == compare_tools(second, first).leader
