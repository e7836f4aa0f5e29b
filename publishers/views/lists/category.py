"""One category: its tools, and the comparisons among the highest-rated of them."""

from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup

from publishers.views.comparisons.pairs import Pair, top_pairs
from publishers.views.lists.paging import ListPage, Query, list_page
from publishers.views.lists.tool_filters import FilterField, sort_and_filter
from publishers.views.paths import category_path, rankings_path
from publishers.views.text.markdown import to_html
from publishers.views.tools.cards import Card, card
from schemas.records import Category, Tool

MAX_COMPARED = 5
"""The highest-rated tools whose comparisons the page lists; its form offers all tools."""

MAX_CHOICES = 100
"""Tools up to which a form offers each; with more, a search takes its place."""


class CategoryPage(NamedTuple):
    """All that the page of one category shows.

    Attributes:
        slug: Of the category.
        name: Of the category.
        path: Of the page.
        rankings_path: The page of its rankings.
        description: As HTML.
        tools: How many tools the category has.
        page: The tools that the query asks for.
        notes: What else the rows of tools say, by slug.
        fields: Of the form that sorts and filters.
        queried: Whether the query asks for anything.
        filtered: Whether it leaves tools out.
        choices: The tools to compare, by name; empty where these are too many.
        pairs: Comparisons among the highest-rated tools.
        all_pairs: Whether these are all comparisons.
    """

    slug: str
    name: str
    path: str
    rankings_path: str
    description: Markup
    tools: int
    page: ListPage[Card]
    notes: Mapping[str, str]
    fields: list[FilterField]
    queried: bool
    filtered: bool
    choices: list[Card]
    pairs: list[Pair]
    all_pairs: bool


def category_page(
    category: Category, tools: list[Tool], query: Query | None = None
) -> CategoryPage:
    """The page of a category with these tools."""
    query = query or {}
    wanted = sort_and_filter(tools, category.facts, query)
    path = category_path(category.category)
    page = list_page(wanted.tools, path, query)
    cards = list(map(card, tools)) if len(tools) <= MAX_CHOICES else []
    return CategoryPage(
        slug=category.category,
        name=category.name,
        path=path,
        rankings_path=rankings_path(category.category),
        description=to_html(category.description),
        tools=len(tools),
        page=page.map(card),
        notes=wanted.notes,
        fields=wanted.fields,
        queried=bool({*query} - {"page"}),
        filtered=wanted.filtered,
        choices=sorted(cards, key=lambda each: (each.name.casefold(), each.slug)),
        pairs=top_pairs(tools, MAX_COMPARED),
        all_pairs=len(tools) <= MAX_COMPARED,
    )
