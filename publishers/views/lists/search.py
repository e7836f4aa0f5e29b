"""Search over tools and comparisons; `site.js` suggests by the same rule.

Every word of a query must begin a word of the tool's name, slug, category, tagline or description.
A match in a name weighs more than one in a category, that more than one in a tagline, and that more
than one in a description. Where nothing matches, names and categories with one typo do.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from publishers.render_cache import part_cache
from publishers.views.comparisons.pairs import Pair, pair
from publishers.views.lists.search_words import (
    description_words,
    finds,
    finds_nearly,
    query_words,
    searchable,
    words,
)
from publishers.views.paths import multi_comparison_path
from publishers.views.tools.cards import Card, card
from schemas.records import Tool

NAME_WEIGHT, CATEGORY_WEIGHT, TAGLINE_WEIGHT, DESCRIPTION_WEIGHT = 8, 4, 2, 1
MAX_TOOLS = 20
MAX_PAIRS = 6
MAX_PER_SIDE = 3
"""Matches on one side of `A vs B` that are paired with those on the other."""

MAX_QUERY_LENGTH = 200

_VERSUS = re.compile(r"\s+(?:vs\.?|versus|or)(?:\s+|$)", re.IGNORECASE)


class Candidate(NamedTuple):
    """A tool to add to a comparison, and the page of the comparison with it."""

    card: Card
    path: str


class SearchPage(NamedTuple):
    """A query and its results; with `selected` tools, candidates to compare with them."""

    query: str
    tools: list[Card]
    pairs: list[Pair]
    selected: list[Card]
    selected_path: str
    candidates: list[Candidate]


def index(tools: Iterable[Tool]) -> bytes:
    """The data of the suggestions in `site.js`; votes do not change it.

    Returns:
        JSON: `categories` as names, `tools` as slug, name, tagline, number of the category and
        the words of the description.
    """
    listed = list(tools)
    names = sorted({tool.category.name for tool in listed})
    rows = [
        (
            tool.tool,
            tool.name,
            tool.tagline,
            names.index(tool.category.name),
            description_words(tool.description, tool.best_for),
        )
        for tool in listed
    ]
    return msgspec.json.encode({"categories": names, "tools": rows})


def search(query: str, tools: Sequence[Tool], selected: Sequence[Tool] = ()) -> SearchPage:
    """Find tools and comparisons of them, or candidates to compare with the selected tools."""
    query = " ".join(query.split())[:MAX_QUERY_LENGTH]
    if selected:
        return _candidates(query, tools, selected)
    return SearchPage(
        query=query,
        tools=[card(tool) for tool in matching_tools(query, tools)[:MAX_TOOLS]],
        pairs=[pair(*two) for two in matching_pairs(query, tools)],
        selected=[],
        selected_path="",
        candidates=[],
    )


def matching_tools(query: str, tools: Sequence[Tool]) -> list[Tool]:
    """The tools that match every word of the query, or of either side of `A vs B`."""
    sides = [_ranked(side, tools) for side in _VERSUS.split(query, maxsplit=1)]
    return list({tool.tool: tool for side in sides for tool in side}.values())


def matching_pairs(query: str, tools: Sequence[Tool]) -> list[tuple[Tool, Tool]]:
    """The comparisons that `A vs B` asks for, else those of the best match in its category."""
    asked = _VERSUS.split(query, maxsplit=1)
    sides = [_ranked(side, tools) for side in asked]
    if len(sides) == 2 and words(asked[1]):
        pairs = [
            (one, other) for one in sides[0][:MAX_PER_SIDE] for other in sides[1][:MAX_PER_SIDE]
        ]
    else:
        pairs = _with_best(sides[0], tools)
    distinct = {multi_comparison_path([one.tool, other.tool]): (one, other) for one, other in pairs}
    return [two for two in distinct.values() if two[0].tool != two[1].tool][:MAX_PAIRS]


def _with_best(matches: list[Tool], tools: Sequence[Tool]) -> list[tuple[Tool, Tool]]:
    """The best match with the other matches in its category, then with its other tools."""
    if not matches:
        return []
    best = matches[0]
    others = [*matches, *sorted(tools, key=_by_name)]
    return [(best, other) for other in others if other.category == best.category]


def _ranked(side: str, tools: Sequence[Tool]) -> list[Tool]:
    asked = query_words(side)
    weighed = [(_weight(asked, tool), tool) for tool in tools] if asked else []
    if not any(weight for weight, _ in weighed):
        weighed = [(_weight_with_typo(asked, tool), tool) for tool in tools] if asked else []
    matches = [(-weight, *_by_name(tool), tool) for weight, tool in weighed if weight]
    return [tool for *_, tool in sorted(matches, key=lambda match: match[:3])]


def _weight(asked: list[list[str]], tool: Tool) -> int:
    """The sum of each chunk's best weight; 0 unless every chunk matches."""
    return _sum_of_weights(asked, _fields_of(tool), finds)


def _weight_with_typo(asked: list[list[str]], tool: Tool) -> int:
    """The same in name and category alone, with at most one typo in a chunk."""
    return _sum_of_weights(asked, _fields_of(tool)[:2], finds_nearly)


def _sum_of_weights(
    asked: list[list[str]],
    fields: list[tuple[int, str]],
    matches: Callable[[list[str], str], bool],
) -> int:
    total = 0
    for chunk in asked:
        best = next((weight for weight, text in fields if matches(chunk, text)), 0)
        if not best:
            return 0
        total += best
    return total


def _fields_of(tool: Tool) -> list[tuple[int, str]]:
    described = description_words(tool.description, tool.best_for)
    return _fields(tool.tool, tool.name, tool.category.name, tool.tagline, described)


@part_cache.by_value
def _fields(
    slug: str, name: str, category: str, tagline: str, description: str
) -> list[tuple[int, str]]:
    """The words by which a tool is found, with their weights, greatest first."""
    return [
        (NAME_WEIGHT, searchable(f"{name} {slug}")),
        (CATEGORY_WEIGHT, searchable(category)),
        (TAGLINE_WEIGHT, searchable(tagline)),
        (DESCRIPTION_WEIGHT, searchable(description)),
    ]


def _by_name(tool: Tool) -> tuple[str, str]:
    return tool.name.lower(), tool.tool


def _candidates(query: str, tools: Sequence[Tool], selected: Sequence[Tool]) -> SearchPage:
    """Candidates that match the query, or without one the tools of the same categories."""
    slugs = {tool.tool for tool in selected}
    categories = {tool.category.slug for tool in selected}
    near = sorted((tool for tool in tools if tool.category.slug in categories), key=_by_name)
    matches = matching_tools(query, tools) if query else near
    return SearchPage(
        query=query,
        tools=[],
        pairs=[],
        selected=[card(tool) for tool in selected],
        selected_path=multi_comparison_path(slugs),
        candidates=[
            Candidate(card(tool), multi_comparison_path([*slugs, tool.tool]))
            for tool in matches
            if tool.tool not in slugs
        ][:MAX_TOOLS],
    )
