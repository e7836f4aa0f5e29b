"""Search in a browser: suggestions while typing, and results without a script."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from publishers.content.in_memory_content import InMemoryContent
from publishers.views.paths import comparison_path, tool_path
from publishers.views.search.search import MAX_STORED, SUGGESTIONS
from publishers.views.search.search_index import SearchIndex
from tests.harness.records import a_tool, sample_content
from tests.publishers.browsing import COMPARISON, SITE, Api
from tests.publishers.conftest import Visit

pytestmark = pytest.mark.e2e

INDEX = SearchIndex(sample_content().tools())


@pytest.fixture
def field(visit: Visit) -> Locator:
    return visit("/search/").get_by_role("combobox", name="Name, category or use case")


def options(field: Locator) -> Locator:
    return field.page.get_by_role("option")


def suggested(field: Locator) -> Any:
    return options(field).evaluate_all("all => all.map(option => option.dataset.path)")


def expected(query: str) -> list[str]:
    tools = [tool_path(slug) for slug in INDEX.matching_tools(query)][:6]
    pairs = [comparison_path(*two) for two in INDEX.matching_pairs(query)][:4]
    versus = any(f" {word} " in f"{query} " for word in ("vs", "or", "versus"))
    return [*pairs, *tools] if versus else [*tools, *pairs]


def test_suggestions_follow_the_rule_of_the_results(field: Locator) -> None:
    field.fill("patch")
    expect(options(field).first).to_be_visible()
    for query in (
        "writ",
        "Dev",
        "tool",
        "SMOL",
        "a",
        "text drafts",
        "smol vs claude",
        "plain or quill",
        "write versus patch",
        "quill vs quill",
        "claude vs ",
        "pull requests",
        "claude vs",
        "vision",
        "smolvm",
        "smol-vlm",
        "Plain\u00e9",
        "patchwrok",
        "gpt",
    ):
        field.fill(query)
        if expected(query):
            expect(options(field).first).to_have_attribute("data-path", expected(query)[0])
        else:
            expect(options(field)).to_have_count(0)
        expect(options(field)).to_have_count(len(expected(query)))
        assert suggested(field) == expected(query), query


def test_the_keyboard_chooses_a_suggestion(field: Locator) -> None:
    field.press_sequentially("smol")
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("ArrowDown")
    first = options(field).first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", first.get_attribute("id"))
    field.press("ArrowUp")
    expect(field).not_to_have_attribute("aria-activedescendant", "search-again-suggestions-0")
    field.press("ArrowDown")
    field.press("Enter")
    field.page.wait_for_url(f"{SITE}/tools/smolvlm-2-5/")


def test_escape_closes_the_suggestions_and_keeps_what_was_typed(field: Locator) -> None:
    field.press_sequentially("smol")
    expect(options(field).first).to_be_visible()
    field.press("Escape")
    expect(options(field)).to_have_count(0)
    expect(field).to_have_value("smol")
    expect(field).to_have_attribute("aria-expanded", "false")


def test_enter_alone_sends_the_form(field: Locator) -> None:
    field.press_sequentially("smol")
    expect(options(field).first).to_be_visible()
    field.press("Enter")
    field.page.wait_for_url(f"{SITE}/search/?q=smol")
    expect(field.page.get_by_role("link", name="SmolVLM 2.5").first).to_be_visible()


def test_a_suggestion_can_be_clicked(field: Locator) -> None:
    field.press_sequentially("plain vs quill")
    options(field).filter(has_text="Plainly vs Quillfeather").click()
    field.page.wait_for_url(f"{SITE}/compare/plainly-vs-quillfeather/")


def test_the_index_is_asked_for_when_it_is_needed(page: Page, api: Api) -> None:
    with page.expect_response("**/v1/me"):
        page.reload()
    assert "GET /search.json" not in api.asked
    with page.expect_response("**/search.json"):
        page.locator("#search").focus()


def test_a_third_tool_is_added_to_a_comparison(page: Page) -> None:
    field = page.get_by_role("combobox", name="Name of a tool")
    field.press_sequentially("tool")
    expect(options(field)).to_have_count(1)
    expect(options(field)).to_contain_text("Patchwork")
    options(field).click()
    page.wait_for_url(f"{SITE}/compare/claude-4-api-vs-patchwork-vs-smolvlm-2-5/")


def test_without_javascript_the_form_finds_and_adds(visit: Visit) -> None:
    page = visit(COMPARISON, java_script_enabled=False)
    field = page.get_by_role("searchbox", name="Name of a tool")
    field.fill("patch")
    field.press("Enter")
    page.get_by_role("link", name="Patchwork").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("vs Patchwork vs SmolVLM 2.5")
    page.locator("#search").fill("smol vs plainly")
    page.locator("#search").press("Enter")
    page.get_by_role("link", name="Plainly vs SmolVLM 2.5").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Plainly vs SmolVLM 2.5")


def test_a_large_site_sends_the_tools_of_each_query_alone(visit: Visit, api: Api) -> None:
    many = [a_tool(f"many-{n}", f"Many {n}") for n in range(MAX_STORED)]
    api.content = InMemoryContent([*sample_content().tools(), *many])
    field = visit("/search/").get_by_role("combobox", name="Name, category or use case")
    field.press_sequentially("plain vs quill")
    first = options(field).first
    expect(first).to_have_attribute("data-path", "/compare/plainly-vs-quillfeather/")
    assert f"GET {SUGGESTIONS}" in api.asked
