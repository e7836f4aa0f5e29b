"""Search over tools and comparisons; `site.js` suggests by the same rule.

Every word of a query must begin a word of the tool's name, slug, category or tagline. A match in a
name weighs more than one in a category, and that more than one in a tagline.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from publishers.views.comparisons.pairs import Pair, pair
from publishers.views.paths import multi_comparison_path
from publishers.views.tools.cards import Card, card
from schemas.records import Tool

NAME_WEIGHT, CATEGORY_WEIGHT, TAGLINE_WEIGHT = 4, 2, 1
MAX_TOOLS = 20
MAX_PAIRS = 6
MAX_PER_SIDE = 3
"""Matches on one side of `A vs B` that are paired with those on the other."""

MAX_QUERY_LENGTH = 200

_WORD = re.compile(r"[^\W_]+")
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
        JSON: `categories` as names, `tools` as slug, name, tagline and number of the category.
    """
    listed = list(tools)
    names = sorted({tool.category.name for tool in listed})
    rows = [
        (tool.tool, tool.name, tool.tagline, names.index(tool.category.name)) for tool in listed
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
    sides = [_ranked(words(side), tools) for side in _VERSUS.split(query, maxsplit=1)]
    return list({tool.tool: tool for side in sides for tool in side}.values())


def matching_pairs(query: str, tools: Sequence[Tool]) -> list[tuple[Tool, Tool]]:
    """The comparisons that `A vs B` asks for, else those of the best match in its category."""
    sides = [_ranked(words(side), tools) for side in _VERSUS.split(query, maxsplit=1)]
    if len(sides) == 2:
        pairs = [
            (one, other) for one in sides[0][:MAX_PER_SIDE] for other in sides[1][:MAX_PER_SIDE]
        ]
    else:
        pairs = _with_best(sides[0], tools)
    distinct = {multi_comparison_path([one.tool, other.tool]): (one, other) for one, other in pairs}
    return [two for two in distinct.values() if two[0].tool != two[1].tool][:MAX_PAIRS]


def words(text: str) -> list[str]:
    """The words of a text without case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)).lower())


def _with_best(matches: list[Tool], tools: Sequence[Tool]) -> list[tuple[Tool, Tool]]:
    """The best match with the other matches in its category, then with its other tools."""
    if not matches:
        return []
    best = matches[0]
    others = [*matches, *sorted(tools, key=_by_name)]
    return [(best, other) for other in others if other.category == best.category]


def _ranked(asked: list[str], tools: Sequence[Tool]) -> list[Tool]:
    weighed = [(_weight(asked, tool), tool) for tool in tools] if asked else []
    matches = [(-weight, *_by_name(tool), tool) for weight, tool in weighed if weight]
    return [tool for *_, tool in sorted(matches, key=lambda match: match[:3])]


def _weight(asked: list[str], tool: Tool) -> int:
    """The sum of each word's best weight; 0 unless every word matches."""
    fields = _fields(tool.tool, tool.name, tool.category.name, tool.tagline)
    weights = [
        max((weight for weight, inside in fields if _begins(word, inside)), default=0)
        for word in asked
    ]
    return sum(weights) if all(weights) else 0


@lru_cache(maxsize=4096)
def _fields(slug: str, name: str, category: str, tagline: str) -> list[tuple[int, list[str]]]:
    """The words by which a tool is found, with their weights."""
    return [
        (NAME_WEIGHT, words(f"{name} {slug}")),
        (CATEGORY_WEIGHT, words(category)),
        (TAGLINE_WEIGHT, words(tagline)),
    ]


def _begins(word: str, words: list[str]) -> bool:
    return any(each.startswith(word) for each in words)


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
