"""Search over tools and comparisons: by the same rule here and, as one types, in `site.js`.

Every word of a query must begin a word of the tool's name, slug, category or tagline. What is
found in a name weighs more than what is found in a category, and that more than in a tagline.
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

NAME, CATEGORY, TAGLINE = 4, 2, 1
MOST_TOOLS = 20
MOST_PAIRS = 6
A_SIDE = 3
"""Of the tools that one side of `this vs that` finds, so many are set against the other side's."""

LONGEST_QUERY = 200

_WORD = re.compile(r"[^\W_]+")
_VERSUS = re.compile(r"\s+(?:vs\.?|versus|or)(?:\s+|$)", re.IGNORECASE)


class Companion(NamedTuple):
    """A tool that could stand beside others, and the page on which it does."""

    card: Card
    path: str


class SearchPage(NamedTuple):
    """What was searched for, and what was found; `beside` are tools to find a companion for."""

    query: str
    tools: list[Card]
    pairs: list[Pair]
    beside: list[Card]
    beside_path: str
    companions: list[Companion]


def index(tools: Iterable[Tool]) -> bytes:
    """What search as you type needs, and nothing that a vote changes.

    Returns:
        JSON: `categories` as names, `tools` as slug, name, tagline and number of the category.
    """
    listed = list(tools)
    names = sorted({tool.category.name for tool in listed})
    rows = [
        (tool.tool, tool.name, tool.tagline, names.index(tool.category.name)) for tool in listed
    ]
    return msgspec.json.encode({"categories": names, "tools": rows})


def search(query: str, tools: Sequence[Tool], beside: Sequence[Tool] = ()) -> SearchPage:
    """Find tools, and comparisons of them or companions for those `beside`."""
    query = " ".join(query.split())[:LONGEST_QUERY]
    if beside:
        return _beside(query, tools, beside)
    found = found_tools(query, tools)
    return SearchPage(
        query=query,
        tools=[card(tool) for tool in found[:MOST_TOOLS]],
        pairs=[pair(*two) for two in found_pairs(query, tools)],
        beside=[],
        beside_path="",
        companions=[],
    )


def found_tools(query: str, tools: Sequence[Tool]) -> list[Tool]:
    """The tools that match every word of the query, or either side of `this vs that`."""
    sides = [_best(words(side), tools) for side in _VERSUS.split(query, maxsplit=1)]
    return list({tool.tool: tool for side in sides for tool in side}.values())


def found_pairs(query: str, tools: Sequence[Tool]) -> list[tuple[Tool, Tool]]:
    """Comparisons: `this vs that` as asked for, else of the best match within its category."""
    sides = [_best(words(side), tools) for side in _VERSUS.split(query, maxsplit=1)]
    if len(sides) == 2:
        every = [(one, other) for one in sides[0][:A_SIDE] for other in sides[1][:A_SIDE]]
    else:
        every = _of_the_best(sides[0], tools)
    distinct = {multi_comparison_path([one.tool, other.tool]): (one, other) for one, other in every}
    return [two for two in distinct.values() if two[0].tool != two[1].tool][:MOST_PAIRS]


def words(text: str) -> list[str]:
    """The words of a text without case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)).lower())


def _of_the_best(found: list[Tool], tools: Sequence[Tool]) -> list[tuple[Tool, Tool]]:
    """The best match with the other matches of its category, then with the rest of that."""
    if not found:
        return []
    best = found[0]
    rest = sorted(tools, key=_by_name)
    return [(best, other) for other in [*found, *rest] if other.category == best.category]


def _best(asked: list[str], tools: Sequence[Tool]) -> list[Tool]:
    weighed = [(_weight(asked, tool), tool) for tool in tools] if asked else []
    matching = [(weight, tool) for weight, tool in weighed if weight]
    return [tool for _, tool in sorted(matching, key=lambda it: (-it[0], *_by_name(it[1])))]


def _weight(asked: list[str], tool: Tool) -> int:
    """The sum over the words of what the best place in which each is found weighs."""
    fields = _fields(tool.tool, tool.name, tool.category.name, tool.tagline)
    found = [
        max((weight for weight, held in fields if _begins(word, held)), default=0) for word in asked
    ]
    return sum(found) if all(found) else 0


@lru_cache(maxsize=4096)
def _fields(slug: str, name: str, category: str, tagline: str) -> list[tuple[int, list[str]]]:
    """The words that a tool is found by, with what each is worth."""
    return [
        (NAME, words(f"{name} {slug}")),
        (CATEGORY, words(category)),
        (TAGLINE, words(tagline)),
    ]


def _begins(word: str, held: list[str]) -> bool:
    return any(one.startswith(word) for one in held)


def _by_name(tool: Tool) -> tuple[str, str]:
    return tool.name.lower(), tool.tool


def _beside(query: str, tools: Sequence[Tool], beside: Sequence[Tool]) -> SearchPage:
    """Companions: what the query finds, or without one the tools of the same categories."""
    standing = {tool.tool for tool in beside}
    shelves = {tool.category.slug for tool in beside}
    near = sorted((tool for tool in tools if tool.category.slug in shelves), key=_by_name)
    found = found_tools(query, tools) if query else near
    return SearchPage(
        query=query,
        tools=[],
        pairs=[],
        beside=[card(tool) for tool in beside],
        beside_path=multi_comparison_path(standing),
        companions=[
            Companion(card(tool), multi_comparison_path([*standing, tool.tool]))
            for tool in found
            if tool.tool not in standing
        ][:MOST_TOOLS],
    )
