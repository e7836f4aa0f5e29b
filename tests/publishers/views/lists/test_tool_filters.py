"""Long lists are paged, and those of categories sorted and filtered, without a script."""

import msgspec
import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from publishers.views.lists.home import (
    MAX_CATEGORIES,
    MAX_CHOICES,
    MAX_IN_CATEGORY,
    category_sections,
    home,
)
from publishers.views.lists.paging import PAGE_SIZE, list_page
from publishers.views.lists.tool_filters import sort_and_filter
from schemas.facts.values import Fact, FactDefinition, Money
from schemas.records import Category
from tests.harness.records import DEVELOPER_TOOLS, a_review, a_tool

URL = "https://site.example"
PRICE = FactDefinition("price", "Price", "money", better="less")
CONTEXT = FactDefinition("context", "Context", "number", "tokens", "more")
OPEN = FactDefinition("open", "Open source", "yes-no")
SYSTEMS = FactDefinition("systems", "Systems", "list")
SINCE = FactDefinition("since", "Since", "date")
FACTS = [PRICE, CONTEXT, OPEN, SYSTEMS, SINCE]
TOOLS = [
    a_tool("ada", "Zoe", a_review(score=90), votes=(1, 3), facts={
        "price": Fact(Money("20", "USD")), "context": Fact(8), "open": Fact(value=True),
        "systems": Fact(("Linux", "macOS")), "since": Fact("2026-01-01"),
    }),
    a_tool("bob", "Yul", a_review(score=20, verdict="skip"), votes=(3, 1), entry="paid", facts={
        "price": Fact(Money("9.50", "USD")), "context": Fact(16), "open": Fact(value=False),
        "systems": Fact(("Linux",)),
    }),
    a_tool("cyd", "Xia"),
]  # fmt: skip


def slugs_of(**query: str) -> list[str]:
    asked = {name.replace("_", "-"): value for name, value in query.items()}
    return [tool.tool for tool in sort_and_filter(TOOLS, FACTS, asked).tools]


@pytest.mark.parametrize(
    ("order", "slugs"),
    [
        ("rating", ["ada", "bob", "cyd"]),
        ("community", ["bob", "ada", "cyd"]),
        ("name", ["cyd", "bob", "ada"]),
        ("fact-price", ["bob", "ada", "cyd"]),
        ("fact-context", ["bob", "ada", "cyd"]),
        ("fact-since", ["ada", "bob", "cyd"]),
        ("nonsense", ["ada", "bob", "cyd"]),
    ],
)
def test_tools_are_sorted_as_the_address_asks(order: str, slugs: list[str]) -> None:
    assert slugs_of(sort=order) == slugs


@pytest.mark.parametrize(
    ("name", "value", "slugs"),
    [
        ("entry", "paid", ["bob"]),
        ("verdict", "ship", ["ada"]),
        ("fact-price", "10", ["bob"]),
        ("fact-context", "10", ["bob"]),
        ("fact-open", "Yes", ["ada"]),
        ("fact-systems", "macOS", ["ada"]),
        ("fact-systems", "Linux", ["ada", "bob"]),
        ("fact-since", "2025-06-01", ["ada"]),
        ("fact-context", "many", ["ada", "bob", "cyd"]),
        ("fact-context", "NaN", ["ada", "bob", "cyd"]),
        ("entry", "gratis", ["ada", "bob", "cyd"]),
        ("fact-nothing", "x", ["ada", "bob", "cyd"]),
    ],
)
def test_tools_are_left_out_as_the_address_asks(name: str, value: str, slugs: list[str]) -> None:
    assert [tool.tool for tool in sort_and_filter(TOOLS, FACTS, {name: value}).tools] == slugs


def test_the_form_shows_what_was_chosen() -> None:
    fields = {
        field.name: field for field in sort_and_filter(TOOLS, FACTS, {"entry": "paid"}).fields
    }
    assert [choice.value for choice in fields["entry"].choices if choice.chosen] == ["paid"]
    assert fields["fact-price"].label == "Price in USD, at most"
    assert fields["fact-context"].label == "Context, at least"
    assert [choice.value for choice in fields["fact-systems"].choices] == ["", "Linux", "macOS"]


def test_amounts_in_other_currencies_are_neither_under_a_bound_nor_mixed_when_sorted() -> None:
    prices = {"a": ("9", "USD"), "b": ("20", "USD"), "c": ("1", "EUR"), "d": ("900", "JPY", "year")}
    tools = [
        a_tool(slug, slug, facts={"price": Fact(Money(*price))}) for slug, price in prices.items()
    ]
    bounded = sort_and_filter(tools, [PRICE], {"fact-price": "15"})
    assert [tool.tool for tool in bounded.tools] == ["a"]
    assert bounded.fields[-1].label == "Price in USD, at most"
    ordered = sort_and_filter(tools, [PRICE], {"sort": "fact-price"})
    assert [tool.tool for tool in ordered.tools] == ["a", "b", "c", "d"]
    yearly = sort_and_filter(tools[3:], [PRICE], {"fact-price": "1000"})
    assert (yearly.fields[-1].label, len(yearly.tools)) == ("Price in JPY per year, at most", 1)


def test_a_long_list_has_pages() -> None:
    items = list(range(2 * PAGE_SIZE + 1))
    first, last = (list_page(items, "/x/", {"page": page, "sort": "name"}) for page in ("1", "99"))
    assert (first.items, first.previous) == (items[:PAGE_SIZE], "")
    assert first.next == "/x/?sort=name&page=2"
    assert (last.items, last.number, last.pages, last.next) == ([items[-1]], 3, 3, "")
    for wrong in ("0", "-1", "²", "x", "9" * 500):
        assert list_page(items, "/x/", {"page": wrong}).number in (1, 3)


def content_of(categories: int, tools: int) -> InMemoryContent:
    named = [Category(f"c{n}", f"C {n}", "", 1) for n in range(categories)]
    every = [a_tool(f"t{n}", f"T {n}", category=named[n % categories]) for n in range(tools)]
    return InMemoryContent(every, named)


def page_of(content: InMemoryContent, path: str) -> str:
    return (catalogue.render(content, path, URL) or b"").decode()


def test_the_front_page_of_a_large_site_is_short() -> None:
    content = content_of(MAX_CATEGORIES + 3, 20 * MAX_CHOICES)
    view = home(content.tools(), content.categories(), [])
    assert len(view.categories) == MAX_CATEGORIES
    assert {len(category.cards) for category in view.categories} == {MAX_IN_CATEGORY}
    html = page_of(content, "/")
    assert len(html) < 40_000
    assert "See 3 more" in html
    assert "All 133 tools" in html
    assert "<option" not in html


def test_lists_of_a_large_site_are_bounded() -> None:
    content = content_of(4, 10_000)
    for path in ("/tools/", "/categories/c1/", "/llms.txt", "/categories/c1/rankings/"):
        assert len(page_of(content, path)) < 200_000, path
    query = catalogue.render_list(content, "/categories/c1/", URL, {"page": "50", "sort": "name"})
    assert query is not None
    assert b"Page 50 of 50" in query
    assert [len(each.cards) for each in category_sections(content.tools(), content.categories(), 5)]


def test_a_category_shows_the_fact_that_sorts_it() -> None:
    category = msgspec.structs.replace(DEVELOPER_TOOLS, facts=FACTS)
    content = InMemoryContent(TOOLS, [category])
    path = "/categories/developer-tools/"
    body = catalogue.render_list(content, path, URL, {"sort": "fact-price", "verdict": "skip"})
    assert body is not None
    assert "Price: 9.50 USD" in body.decode()
    assert "1 of 3 tools" in body.decode()
    none = catalogue.render_list(content, path, URL, {"fact-price": "1"})
    assert none is not None
    assert b"No tools match." in none
