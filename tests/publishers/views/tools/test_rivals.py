"""Which comparisons of a category are stored."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.views.tools.rivals import CLOSEST, MAX_ALL_PAIRS, pairs, rivals
from schemas.records import Tool
from tests.harness.records import a_tool

WORDS = [f"word{number:03}" for number in range(400)]


def tools(count: int, seed: int = 1) -> list[Tool]:
    chances = random.Random(seed)
    return [
        a_tool(f"tool-{number:04}", description=" ".join(chances.choices(WORDS, k=30)))
        for number in range(count)
    ]


def test_every_pair_of_a_small_category_is_stored() -> None:
    stored = pairs(rivals(tools(MAX_ALL_PAIRS)))
    assert len(stored) == MAX_ALL_PAIRS * (MAX_ALL_PAIRS - 1) // 2


@pytest.mark.parametrize("count", [MAX_ALL_PAIRS + 1, 120, 400])
def test_the_pairs_of_a_large_category_grow_in_line_with_its_tools(count: int) -> None:
    rivals_of = rivals(tools(count))
    assert all(len(others) >= min(CLOSEST, count - 1) for others in rivals_of.values())
    assert len(pairs(rivals_of)) <= count * CLOSEST
    assert all(slug in rivals_of[other] for slug, others in rivals_of.items() for other in others)


def test_a_tool_is_paired_with_those_whose_texts_share_its_rare_words() -> None:
    alike = [
        a_tool(f"camera-{number}", description="Recognizes handwriting on photographs")
        for number in range(3)
    ]
    rivals_of = rivals([*tools(100), *alike])
    for tool in alike:
        assert {other.tool for other in alike} - {tool.tool} <= set(rivals_of[tool.tool])


def test_votes_and_the_order_of_the_tools_change_no_pair() -> None:
    quiet = tools(60)
    busy = [
        a_tool(tool.tool, description=tool.description, votes=(number, 3), version=number)
        for number, tool in enumerate(quiet)
    ]
    random.Random(2).shuffle(busy)
    assert rivals(busy) == rivals(quiet)


def test_tools_without_any_common_word_still_get_rivals() -> None:
    strangers = [
        a_tool(f"tool-{number:04}", tagline="", best_for="", description="") for number in range(40)
    ]
    assert all(len(others) >= CLOSEST for others in rivals(strangers).values())


@given(st.lists(st.text("abc", min_size=4, max_size=6), max_size=60), st.randoms())
def test_pairs_are_symmetric_and_no_tool_is_its_own_rival(
    texts: list[str], chances: random.Random
) -> None:
    listed = [
        a_tool(f"tool-{number}", description=" ".join(chances.choices(texts, k=4)))
        for number in range(len(texts))
    ]
    rivals_of = rivals(listed)
    for slug, others in rivals_of.items():
        assert slug not in others
        assert others == sorted(set(others))
        assert all(slug in rivals_of[other] for other in others)
