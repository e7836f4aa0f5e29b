"""One category: its tools, and the comparisons among the highest-rated of them."""

from typing import NamedTuple

from markupsafe import Markup

from publishers.views.comparisons.pairs import Pair, top_pairs
from publishers.views.paths import rankings_path
from publishers.views.text.markdown import to_html
from publishers.views.tools.cards import Card, card, ranking_key
from schemas.records import Category, Tool

MAX_COMPARED = 5
"""The highest-rated tools whose comparisons the page lists; its form offers all tools."""


class CategoryPage(NamedTuple):
    """All that the page of one category shows."""

    slug: str
    name: str
    rankings_path: str
    description: Markup
    cards: list[Card]
    choices: list[Card]
    pairs: list[Pair]
    all_pairs: bool


def category_page(category: Category, tools: list[Tool]) -> CategoryPage:
    """The page of a category with these tools."""
    cards = [card(tool) for tool in sorted(tools, key=ranking_key)]
    return CategoryPage(
        slug=category.category,
        name=category.name,
        rankings_path=rankings_path(category.category),
        description=to_html(category.description),
        cards=cards,
        choices=sorted(cards, key=lambda each: (each.name.casefold(), each.slug)),
        pairs=top_pairs(tools, MAX_COMPARED),
        all_pairs=len(tools) <= MAX_COMPARED,
    )
