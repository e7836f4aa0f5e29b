"""An index of which only some tools change equals one that is made anew."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from publishers.views.tools.rivals import CategoryRivals
from publishers.views.tools.similar_tools import SimilarTools
from schemas.records import Category, Tool
from tests.harness.records import a_tool

WORDS = [f"word{letter}{number}" for letter in "abcd" for number in range(12)]


def about(slug: str, words: list[str], category: int) -> Tool:
    name = f"c-{category}"
    return a_tool(
        slug, tagline="", best_for="", description=" ".join(words),
        category=Category(name, name, "", 1),
    )  # fmt: skip


def some_tool(slug: str, chances: random.Random) -> Tool:
    # Some words are on many tools, most on few.
    words = [WORDS[int(len(WORDS) * chances.random() ** 3)] for _ in range(6)]
    return about(slug, words, chances.randrange(3))


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 4), st.randoms(use_true_random=False))
def test_tools_with_other_texts_have_the_similar_ones_of_an_index_made_anew(
    count: int, changes: int, chances: random.Random
) -> None:
    before = {f"tool-{n}": some_tool(f"tool-{n}", chances) for n in range(count)}
    index = SimilarTools(before.values())
    similar_before = {slug: index.of(tool) for slug, tool in before.items()}
    slugs = [f"tool-{chances.randrange(count + 3)}" for _ in range(changes)]
    changed = {slug: chances.choice((None, some_tool(slug, chances))) for slug in slugs}
    now = {slug: tool for slug, tool in (before | changed).items() if tool}
    index = index.with_tools(changed)
    dependents = index.dependents(changed.keys())
    anew = SimilarTools(now.values())
    for slug, tool in now.items():
        assert index.of(tool) == anew.of(tool)
        if slug not in dependents:
            assert index.of(tool) == similar_before[slug]


@settings(deadline=None)
@given(st.integers(20, 60), st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_category_with_other_texts_has_the_rivals_of_an_index_made_anew(
    count: int, changes: int, chances: random.Random
) -> None:
    before = {f"tool-{n:02}": some_tool(f"tool-{n:02}", chances) for n in range(count)}
    category = CategoryRivals(before.values())
    assert category.by_tool
    slugs = [f"tool-{chances.randrange(count + 3):02}" for _ in range(changes)]
    changed = {slug: chances.choice((None, some_tool(slug, chances))) for slug in slugs}
    now = [tool for tool in (before | changed).values() if tool]
    assert category.with_tools(changed).by_tool == CategoryRivals(now).by_tool


def test_an_edit_leaves_tools_that_share_none_of_its_words_alone() -> None:
    tools = [about(f"tool-{n}", [f"word{n // 2}", f"other{n // 2}"], n % 2) for n in range(100)]
    index = SimilarTools(tools)
    for tool in tools:
        index.of(tool)
    edited = about("tool-5", ["word30", "other30"], 1)
    dependents = index.with_tools({"tool-5": edited}).dependents(["tool-5"])
    assert {"tool-4", "tool-5", "tool-60"} <= {*dependents}
    assert len(dependents) <= 5
