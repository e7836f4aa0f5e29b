"""Everything of one kind: all tools, all categories, all reviewers. No votes are shown."""

from collections import Counter
from typing import NamedTuple

from publishers.views.paths import category_path, rankings_path, reviewer_path, tool_path
from publishers.views.text.formatting import count
from publishers.views.text.markdown import to_plain
from schemas.records import Category, Reviewer, Tool

DESCRIPTION_LENGTH = 200


class IndexEntry(NamedTuple):
    """One line of an index; `rankings_path` is empty except for categories."""

    path: str
    name: str
    text: str
    figure: str
    rankings_path: str = ""


def tool_index(tools: list[Tool]) -> list[IndexEntry]:
    """All tools by name."""
    ordered = sorted(tools, key=lambda tool: (tool.name.casefold(), tool.tool))
    return [
        IndexEntry(tool_path(tool.tool), tool.name, tool.tagline, tool.category.name)
        for tool in ordered
    ]


def category_index(categories: list[Category], tools: list[Tool]) -> list[IndexEntry]:
    """All categories by name, with the number of their tools."""
    numbers = Counter(tool.category.slug for tool in tools)
    return [
        IndexEntry(
            category_path(category.category),
            category.name,
            to_plain(category.description, DESCRIPTION_LENGTH),
            count(numbers[category.category], "tool"),
            rankings_path(category.category),
        )
        for category in sorted(categories, key=lambda each: (each.name.casefold(), each.category))
    ]


def reviewer_index(reviewers: list[Reviewer], tools: list[Tool]) -> list[IndexEntry]:
    """The panel in scorecard order, with the number of their reviews."""
    numbers = Counter(review.reviewer for tool in tools for review in tool.panel.reviews)
    return [
        IndexEntry(
            reviewer_path(each.reviewer),
            each.name,
            each.motto,
            count(numbers[each.reviewer], "review"),
        )
        for each in sorted(reviewers, key=lambda each: (each.position, each.reviewer))
    ]
