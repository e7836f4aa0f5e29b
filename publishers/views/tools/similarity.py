"""Tools of other categories with similar texts, by the distinctive words that they share."""

import math
from collections import defaultdict
from collections.abc import Iterable
from heapq import heapify, heappop
from typing import NamedTuple

from publishers.render_cache import part_cache
from publishers.views.search.search_words import words
from publishers.views.text.markdown import to_plain
from schemas.records import Tool

MAX_SIMILAR = 3
MIN_SHARED_WORDS = 2
MAX_NAMED_WORDS = 3
MAX_HOLDERS = 200
"""A word of more tools is not distinctive, and looking at all of them would take long."""
MIN_WORD_LENGTH = 4
"""Shorter words are not distinctive."""

_WHOLE_TEXT = 100_000


class SimilarTool(NamedTuple):
    """A tool of another category by its slug, and the rarest words that it shares."""

    tool: str
    words: list[str]


class SimilarTools:
    """The tools of one site, indexed by the words of their texts.

    Rare words weigh more. Votes and reviews play no part.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = sorted(tools, key=lambda tool: tool.tool)
        self._by_slug = {tool.tool: tool for tool in self._tools}
        self._holders: dict[str, list[int]] = defaultdict(list)
        for index, tool in enumerate(self._tools):
            for word in distinctive_words(tool):
                self._holders[word].append(index)

    def of(self, tool: Tool) -> list[SimilarTool]:
        """Find the tools similar to one of the tools, the most similar first."""
        return self._most_similar(tool.tool)

    @part_cache.by_record
    def _most_similar(self, slug: str) -> list[SimilarTool]:
        tool = self._by_slug[slug]
        own = sorted(distinctive_words(tool), key=lambda word: (len(self._holders[word]), word))
        ranked = [(-round(score, 9), index) for index, score in self._scores(own).items()]
        heapify(ranked)
        similar: list[SimilarTool] = []
        while ranked and len(similar) < MAX_SIMILAR:
            other = self._tools[heappop(ranked)[1]]
            shared = [word for word in own if word in distinctive_words(other)]
            if len(shared) >= MIN_SHARED_WORDS and other.category.slug != tool.category.slug:
                similar.append(SimilarTool(other.tool, shared[:MAX_NAMED_WORDS]))
        return similar

    def _scores(self, words: Iterable[str]) -> dict[int, float]:
        """The total weight of the words that each tool shares, by its index."""
        scores: dict[int, float] = defaultdict(float)
        for word in words:
            holders = self._holders[word]
            if len(holders) > MAX_HOLDERS:
                continue
            weight = math.log((len(self._tools) + 1) / len(holders))
            for index in holders:
                scores[index] += weight
        return scores


def distinctive_words(tool: Tool) -> frozenset[str]:
    """The words of a tool's texts that say what it is about."""
    return _words(tool.tagline, tool.best_for, tool.description)


@part_cache.by_value
def _words(tagline: str, best_for: str, description: str) -> frozenset[str]:
    every = words(f"{tagline} {best_for} {to_plain(description, _WHOLE_TEXT)}")
    return frozenset(word for word in every if len(word) >= MIN_WORD_LENGTH and word not in _COMMON)


_COMMON = frozenset(
    words(
        "about after again against also although always another before behind being below "
        "between both cannot could does doing down each either else enough even ever every "
        "everyone everything few first from have having here into itself just keep keeps last "
        "least less like made make makes many mind more most much must need needs neither never "
        "nobody none nothing once only other others over place rather runs same should since "
        "small some someone something still such take takes than that their them then there "
        "these they thing things this those through time under until upon used uses using very "
        "want wants well were what when where whether which while whole whose will with within "
        "without work works would your yours tool tools read reads show shows give gives find "
        "finds says stay stays come comes"
    )
)
