"""Search results, and the data with which `site.js` suggests by the same rule."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from publishers.views.comparisons.pairs import Pair, pair
from publishers.views.paths import multi_comparison_path
from publishers.views.search.search_index import SearchIndex
from publishers.views.search.search_words import description_words
from publishers.views.tools.cards import Card, card
from schemas.records import Tool

MAX_TOOLS = 20
MAX_QUERY_LENGTH = 200
MAX_STORED = 1_000
"""Tools up to which the script gets all of them at once, in some hundred kilobytes."""
SUGGESTIONS = "/search/suggestions.json"


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


class Hits(NamedTuple):
    """What a query finds, by slug: tools and pairs, or with selected tools candidates."""

    query: str
    selected: Sequence[str]
    tools: Sequence[str] = ()
    pairs: Sequence[tuple[str, str]] = ()
    candidates: Sequence[str] = ()

    @property
    def named(self) -> list[str]:
        """Every slug among them, once."""
        pairs = (slug for two in self.pairs for slug in two)
        return list(dict.fromkeys([*self.selected, *self.tools, *pairs, *self.candidates]))


class ToolRecords(Protocol):
    """Looks tools up."""

    def tool_on_site(self, slug: str) -> Tool | None:
        """The tool with this slug; None if it is not on the site."""
        ...


def find(index: SearchIndex, query: str, selected: Sequence[str] = ()) -> Hits:
    """Find tools and comparisons of them, or candidates to compare with the selected tools."""
    query = " ".join(query.split())[:MAX_QUERY_LENGTH]
    if not selected:
        tools, pairs = index.matching_tools(query), index.matching_pairs(query)
        return Hits(query, (), tools[:MAX_TOOLS], pairs)
    matches = index.matching_tools(query) if query else index.tools_near(selected)
    candidates = [slug for slug in matches if slug not in selected][:MAX_TOOLS]
    return Hits(query, selected, candidates=candidates)


def results(hits: Hits, content: ToolRecords) -> SearchPage:
    """The page of what was found, without tools that are no longer on the site."""
    tools = {slug: tool for slug in hits.named if (tool := content.tool_on_site(slug))}
    selected = [slug for slug in hits.selected if slug in tools]
    return SearchPage(
        query=hits.query,
        tools=[card(tools[slug]) for slug in hits.tools if slug in tools],
        pairs=[pair(tools[a], tools[b]) for a, b in hits.pairs if a in tools and b in tools],
        selected=[card(tools[slug]) for slug in selected],
        selected_path=multi_comparison_path(selected) if selected else "",
        candidates=[
            Candidate(card(tools[slug]), multi_comparison_path([*selected, slug]))
            for slug in hits.candidates
            if slug in tools
        ],
    )


def stored_suggestions(tools: Sequence[Tool]) -> bytes:
    """The data of the suggestions in `site.js`; votes do not change it.

    Of a large site it would be too large to send: then it has `ask` alone, and the script asks
    for the tools of each query at that path.
    """
    if len(tools) > MAX_STORED:
        return msgspec.json.encode({"ask": SUGGESTIONS})
    return suggestion_data(tools)


def suggestion_data(tools: Iterable[Tool]) -> bytes:
    """What the script needs of some tools.

    Returns:
        JSON: `categories` as names, `tools` as slug, name, tagline, number of the category and
        the words of the description.
    """
    listed = list(tools)
    names = sorted({tool.category.name for tool in listed})
    numbers = {name: number for number, name in enumerate(names)}
    rows = [
        (
            tool.tool,
            tool.name,
            tool.tagline,
            numbers[tool.category.name],
            description_words(tool.description, tool.best_for),
        )
        for tool in listed
    ]
    return msgspec.json.encode({"categories": names, "tools": rows})
