"""The tools of one site, found by the words of a query.

Every word of a query must begin a word of the tool's name, slug, category, tagline or description.
A match in a name weighs more than one in a category, that more than one in a tagline, and that more
than one in a description. Where nothing matches, names and categories with one typo do.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

from publishers.views.paths import multi_comparison_path
from publishers.views.search.search_words import description_words, query_words, searchable, words
from publishers.views.search.word_field import WordField
from schemas.records import Tool

NAME_WEIGHT, CATEGORY_WEIGHT, TAGLINE_WEIGHT, DESCRIPTION_WEIGHT = 8, 4, 2, 1
MAX_PAIRS = 6
MAX_PER_SIDE = 3
"""Matches on one side of `A vs B` that are paired with those on the other."""

_VERSUS = re.compile(r"\s+(?:vs\.?|versus|or)(?:\s+|$)", re.IGNORECASE)

Find = Callable[[WordField, Sequence[str]], Collection[int]]
"""The numbers of the tools that a chunk of a query finds by a field."""


class SearchIndex:
    """Finds tools by their texts alone: votes and reviews play no part.

    A tool's number is its place in the order of names.

    Args:
        tools: Every tool on the site.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        ordered = sorted(tools, key=lambda tool: (tool.name.lower(), tool.tool))
        self._slugs = [tool.tool for tool in ordered]
        self._categories = [tool.category.slug for tool in ordered]
        self._numbers = {slug: number for number, slug in enumerate(self._slugs)}
        self._in_category: dict[str, list[int]] = defaultdict(list)
        for number, category in enumerate(self._categories):
            self._in_category[category].append(number)
        self._fields = [
            WordField(weight, map(words_of, ordered)) for weight, words_of in _TEXTS.items()
        ]

    def matching_tools(self, query: str) -> list[str]:
        """The slugs that match every word of the query, or of either side of `A vs B`."""
        sides = map(self._ranked, _VERSUS.split(query, maxsplit=1))
        return self._to_slugs(dict.fromkeys(number for side in sides for number in side))

    def matching_pairs(self, query: str) -> list[tuple[str, str]]:
        """The comparisons that `A vs B` asks for, else those of the best match in its category."""
        asked = _VERSUS.split(query, maxsplit=1)
        sides = [self._ranked(side) for side in asked]
        if len(sides) == 2 and words(asked[1]):
            left, right = (self._to_slugs(side[:MAX_PER_SIDE]) for side in sides)
            pairs = [(one, other) for one in left for other in right]
        else:
            pairs = self._with_best(sides[0])
        distinct = {multi_comparison_path(two): two for two in pairs if two[0] != two[1]}
        return list(distinct.values())[:MAX_PAIRS]

    def tools_near(self, slugs: Iterable[str]) -> list[str]:
        """All tools of the categories of these tools, by name."""
        known = (self._numbers[slug] for slug in slugs if slug in self._numbers)
        categories = {self._categories[number] for number in known}
        return self._to_slugs(sorted(n for each in categories for n in self._in_category[each]))

    def _with_best(self, matches: Sequence[int]) -> list[tuple[str, str]]:
        """The best match with the other matches in its category, then with its other tools."""
        if not matches:
            return []
        best, category = self._slugs[matches[0]], self._categories[matches[0]]
        alike = [number for number in matches if self._categories[number] == category]
        others = [*alike[: MAX_PAIRS + 1], *self._in_category[category][: MAX_PAIRS + 1]]
        return [(best, other) for other in self._to_slugs(others)]

    def _ranked(self, side: str) -> list[int]:
        """The numbers of the tools that match, the greatest weight first."""
        asked = query_words(side)
        weights = _weigh(asked, self._fields, WordField.find)
        if asked and not weights:
            weights = _weigh(asked, self._fields[:2], WordField.find_nearly)
        return sorted(weights, key=lambda number: (-weights[number], number))

    def _to_slugs(self, numbers: Iterable[int]) -> list[str]:
        return [self._slugs[number] for number in numbers]


def _weigh(asked: Iterable[list[str]], fields: Sequence[WordField], find: Find) -> dict[int, int]:
    """The sum of each chunk's best weight, of the tools that every chunk finds."""
    total: dict[int, int] | None = None
    for chunk in asked:
        best: dict[int, int] = {}
        for field in reversed(fields):  # the greatest weight stays
            best |= dict.fromkeys(find(field, chunk), field.weight)
        total = best if total is None else {n: total[n] + best[n] for n in total.keys() & best}
        if not total:
            break
    return total or {}


def _name(tool: Tool) -> list[str]:
    return searchable(f"{tool.name} {tool.tool}")


def _category(tool: Tool) -> list[str]:
    return searchable(tool.category.name)


def _tagline(tool: Tool) -> list[str]:
    return searchable(tool.tagline)


def _description(tool: Tool) -> list[str]:
    return searchable(description_words(tool.description, tool.best_for))


_TEXTS: dict[int, Callable[[Tool], list[str]]] = {
    NAME_WEIGHT: _name,
    CATEGORY_WEIGHT: _category,
    TAGLINE_WEIGHT: _tagline,
    DESCRIPTION_WEIGHT: _description,
}
"""The words by which a tool is found, by their weight, greatest first."""
