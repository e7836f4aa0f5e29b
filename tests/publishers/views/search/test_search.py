import json
from collections.abc import Sequence

import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.views.search.search import SearchPage, find, results, suggestion_data
from publishers.views.search.search_index import MAX_PAIRS, SearchIndex
from publishers.views.search.search_words import words
from schemas.records import Category, Tool
from tests.harness.records import a_tool, sample_content

WRITING = Category("writing", "Writing", "", 1)
TOOLS = [
    a_tool("inkwell", "Inkwell", category=WRITING, tagline="Letters by hand."),
    a_tool("quill", "Quill Écrit", category=WRITING, tagline="Fast drafts."),
    a_tool("fast-forge", "Forge", tagline="Writing code, quickly."),
    a_tool("anvil", "Anvil", tagline="For ink and iron."),
]


def slugs(query: str, tools: Sequence[Tool] = TOOLS) -> list[str]:
    return SearchIndex(tools).matching_tools(query)


def search(query: str, *selected: str) -> SearchPage:
    return results(find(SearchIndex(TOOLS), query, selected), InMemoryContent(TOOLS))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ink", ["inkwell", "anvil"]),  # a name weighs more than a tagline
        ("fast", ["fast-forge", "quill"]),  # so does a slug
        ("writ", ["inkwell", "quill", "fast-forge"]),  # a category more than a tagline
        ("INK well", []),  # each word must begin a word
        ("writing letters", ["inkwell"]),  # and all of them must
        ("ecrit", ["quill"]),
        ("écrit", ["quill"]),
        ("zebra", []),
        ("", []),
        ("!?", []),
    ],
)
def test_every_word_of_a_query_begins_a_word_of_a_tool(query: str, expected: list[str]) -> None:
    assert slugs(query) == expected


def pairs(query: str) -> list[str]:
    return ["-vs-".join(sorted(two)) for two in SearchIndex(TOOLS).matching_pairs(query)]


def test_a_vs_b_finds_their_comparison() -> None:
    for versus in ("vs", "VS", "vs.", "versus", "or"):
        assert pairs(f"quill {versus} anvil") == ["anvil-vs-quill"]
    assert slugs("quill vs anvil") == ["quill", "anvil"]


def test_a_half_typed_comparison_finds_its_first_tool() -> None:
    assert slugs("quill vs") == slugs("quill or ") == ["quill"]
    assert pairs("quill vs") == pairs("quill or ") == ["inkwell-vs-quill"]


def test_nothing_is_compared_with_itself() -> None:
    assert pairs("quill vs quill") == []


def test_one_tool_is_compared_with_those_of_its_category() -> None:
    assert pairs("forge") == ["anvil-vs-fast-forge"]


def test_the_comparisons_found_are_few() -> None:
    many = [a_tool(f"t{n:02}", f"Tool {n:02}") for n in range(20)]
    assert len(SearchIndex(many).matching_pairs("tool")) == MAX_PAIRS


def test_candidates_are_found_for_selected_tools() -> None:
    assert [candidate.path for candidate in search("", "quill", "anvil").candidates] == [
        "/compare/anvil-vs-fast-forge-vs-quill/",
        "/compare/anvil-vs-inkwell-vs-quill/",
    ]
    (candidate,) = search("ink", "quill", "anvil").candidates
    assert candidate.card.slug == "inkwell"


def test_a_query_is_one_line_of_bounded_length() -> None:
    assert search("  a \n b ").query == "a b"
    assert len(search("x" * 1000).query) == 200


def test_words_have_no_case_accents_or_punctuation() -> None:
    assert words("Ægir's Café_2 — smolVLM-2.5") == ["aegir", "s", "cafe", "2", "smolvlm", "2", "5"]


def test_the_index_holds_what_votes_do_not_change() -> None:
    tools = sample_content().tools()
    voted = [
        a_tool(
            t.tool,
            t.name,
            tagline=t.tagline,
            description=t.description,
            best_for=t.best_for,
            votes=(9, 9),
            category=Category(t.category.slug, t.category.name, "", 1),
        )
        for t in tools
    ]
    assert suggestion_data(tools) == suggestion_data(voted)
    assert set(json.loads(suggestion_data(tools))) == {"categories", "tools"}


FOREIGN = [
    a_tool("lodz", "Łódź", description="Nothing else."),
    a_tool("strasse", "Straße"),
    a_tool("tokyo", "東京モデル", tagline="画像を読む。"),
    a_tool("gpt4o-mini", "gpt4o-mini", description="Answers *briefly*."),
    a_tool("gpt-5", "GPT-5.1 (preview)", best_for="Long answers"),
    a_tool("thai", "แบบจำลองภาษา"),
]


def names_of(query: str) -> list[str]:
    names = {tool.tool: tool.name for tool in FOREIGN}
    return sorted(names[slug] for slug in slugs(query, FOREIGN))


@pytest.mark.parametrize(
    ("query", "name"),
    [
        *(("lodz", "Łódź"), ("ŁÓDŹ", "Łódź"), ("lód", "Łódź"), ("strasse", "Straße")),
        *(("STRAẞE", "Straße"), ("straß", "Straße"), ("モデル", "東京モデル")),
        *(("東京 モデル", "東京モデル"), ("画像", "東京モデル"), ("ﾓﾃﾞﾙ", "東京モデル")),
        *(("gpt-4o", "gpt4o-mini"), ("gpt4o mini", "gpt4o-mini"), ("gpt-4o-mini", "gpt4o-mini")),
        *(("gpt4omini", "gpt4o-mini"), ("gpt5", "GPT-5.1 (preview)"), ("จำลอง", "แบบจำลองภาษา")),
        *(("briefly", "gpt4o-mini"), ("long", "GPT-5.1 (preview)")),
    ],
)
def test_search_knows_the_scripts_of_names(query: str, name: str) -> None:
    assert names_of(query) == [name]


@pytest.mark.parametrize(
    "query", ["inkwel", "inkwall", "inkwwell", "nikwell", "inkell", "inkwelll"]
)
def test_one_typo_in_a_name_is_forgiven(query: str) -> None:
    assert slugs(query) == ["inkwell"]


@pytest.mark.parametrize("query", ["imkwall", "onk", "ikn", "inkwellish"])
def test_two_typos_are_not_nor_one_in_a_short_word(query: str) -> None:
    assert slugs(query) == []


def test_a_right_word_is_not_taken_for_a_typo() -> None:
    tools = [a_tool("one", "Forge"), a_tool("two", "Forgo")]
    assert slugs("forge", tools) == ["one"]


def test_a_description_weighs_least() -> None:
    tools = [
        a_tool("one", "One", tagline="None.", description="Has *vision*.", best_for="It"),
        a_tool("two", "Two", tagline="With vision.", description="Else.", best_for="It"),
    ]
    assert slugs("vision", tools) == ["two", "one"]
