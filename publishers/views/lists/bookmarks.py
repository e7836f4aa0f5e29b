"""One visitor's bookmarks."""

from collections.abc import Iterable
from typing import NamedTuple

from publishers.views.comparisons.multi_comparison import MAX_TOOLS
from publishers.views.paths import multi_comparison_path
from publishers.views.tools.cards import Card, card
from schemas.records import Tool


class BookmarksPage(NamedTuple):
    """The bookmarked tools, and the path of their comparison; empty unless one can hold them."""

    cards: list[Card]
    comparison_path: str


def bookmarks_page(saved: Iterable[Tool]) -> BookmarksPage:
    """The page of these tools, in this order."""
    cards = [card(tool) for tool in saved]
    comparable = 2 <= len(cards) <= MAX_TOOLS
    path = multi_comparison_path(each.slug for each in cards) if comparable else ""
    return BookmarksPage(cards, path)
