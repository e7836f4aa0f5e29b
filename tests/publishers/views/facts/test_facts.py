"""Facts on the pages of tools and comparisons."""

import json
from collections.abc import Sequence

import msgspec
import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from publishers.views.facts.fact_rows import better
from publishers.views.facts.fact_texts import NOT_STATED, fact_texts, value_text
from schemas.facts.values import Fact, FactDefinition, FactType, FactValue, Money
from tests.harness.records import DEVELOPER_TOOLS, PANEL, a_tool

PRICE = FactDefinition("price", "Price", "money", better="less")
CONTEXT = FactDefinition("context", "Context window", "number", "tokens", "more")
OPEN = FactDefinition("open", "Open source", "yes-no", better="more")
SYSTEMS = FactDefinition("systems", "Systems", "list")
CATEGORY = msgspec.structs.replace(DEVELOPER_TOOLS, facts=[PRICE, CONTEXT, OPEN, SYSTEMS])
ADA = a_tool("ada", "Ada", facts={
    "price": Fact(Money("1200.50", "USD", "month"), "https://ada.example/price", "2026-11-20"),
    "context": Fact(128_000),
    "open": Fact(value=True),
    "unnamed": Fact("nobody asks"),
})  # fmt: skip
BOB = a_tool("bob", "Bob", facts={
    "price": Fact(Money("20.00", "USD", "month")), "context": Fact("many"), "open": Fact(value=True)
})  # fmt: skip
CYD = a_tool("cyd", "Cyd")
CONTENT = InMemoryContent([ADA, BOB, CYD], [CATEGORY], PANEL)


def page(path: str) -> str:
    body = catalogue.render(CONTENT, path, "https://site.example")
    assert body is not None
    return body.decode()


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("number", 128_000, "128,000 tokens"),
        ("number", 0.5, "0.5 tokens"),
        ("number", 3.0, "3 tokens"),
        ("money", Money("1200.50", "EUR"), "1,200.50 EUR"),
        ("money", Money("20.00", "USD", "month"), "20.00 USD per month"),
        ("yes-no", False, "No"),
        ("date", "2026-11-20", "20 November 2026"),
        ("list", ("Linux", "macOS"), "Linux, macOS"),
        ("text", "MIT", "MIT"),
    ],
)
def test_every_type_of_fact_has_a_text(kind: FactType, value: FactValue, text: str) -> None:
    assert value_text(value, FactDefinition("key", "Label", kind, "tokens")) == text


def test_only_facts_that_the_category_names_are_shown() -> None:
    assert [fact.label for fact in fact_texts(ADA, CATEGORY.facts)] == [
        "Price", "Context window", "Open source",
    ]  # fmt: skip
    assert [fact.label for fact in fact_texts(BOB, CATEGORY.facts)] == ["Price", "Open source"]


@pytest.mark.parametrize(
    ("definition", "values", "best"),
    [
        (CONTEXT, [1, 2, None], (False, True, False)),
        (CONTEXT, [2, 2, 1], (True, True, False)),
        (CONTEXT, [2, 2], ()),
        (CONTEXT, [2, None], ()),
        (PRICE, [Money("9", "USD"), Money("10", "USD")], (True, False)),
        (PRICE, [Money("9", "USD"), Money("10", "EUR")], ()),
        (PRICE, [Money("9", "USD", "month"), Money("10", "USD", "year")], ()),
        (OPEN, [True, False], (True, False)),
        (FactDefinition("since", "Since", "date", better="less"),
         ["2024-01-01", "2026-01-01"], (True, False)),
        (FactDefinition("n", "N", "number"), [1, 2], ()),
    ],
)  # fmt: skip
def test_a_value_is_better_among_values_of_one_kind(
    definition: FactDefinition, values: Sequence[FactValue | None], best: tuple[bool, ...]
) -> None:
    assert better(definition, values) == best


def test_a_comparison_shows_facts_as_rows_and_marks_the_better_value() -> None:
    html = page("/compare/ada-vs-bob/")
    assert '<th scope="row" dir="auto">Price</th>' in html
    assert '<bdi>20.00 USD per month</bdi> <b class="best">Better</b>' in html
    assert '<a href="https://ada.example/price" rel="nofollow noopener"><bdi>1,200.50 USD' in html
    assert "as of 20 November 2026" in html
    assert NOT_STATED in html  # Bob's context is no number
    assert "Systems" not in html  # neither states it
    alike = html.partition("Open source</th>")[0].rpartition("<tr")[2]
    assert 'class="alike"' in alike


def test_machines_get_the_same_facts() -> None:
    markdown = page("/compare/ada-vs-bob/index.md")
    assert "| Price | 1,200.50 USD per month | 20\\.00 USD per month (better) |" in markdown
    assert "- Price: 1,200.50 USD per month (as of 20 November 2026)" in page("/tools/ada/index.md")
    data = json.loads(page("/tools/ada/index.json"))
    assert data["facts"]["price"]["value"] == {
        "amount": "1200.50", "currency": "USD", "per": "month",
    }  # fmt: skip
    linked = page("/tools/ada/").partition('ld+json">')[2].partition("</script>")[0]
    (tool,) = (n for n in json.loads(linked)["@graph"] if n["@type"] == "SoftwareApplication")
    (offer,) = tool["offers"]
    assert (offer["price"], offer["priceCurrency"]) == ("1200.50", "USD")
    assert offer["priceSpecification"]["unitText"] == "month"
