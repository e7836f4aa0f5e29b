"""Tools of other categories with similar texts, by the distinctive words that they share."""

import math
from heapq import heapify, heappop
from typing import NamedTuple

from publishers.views.tools.text_index import Found, TextIndex, distinctive_words
from schemas.records import Tool

MAX_SIMILAR = 3
MIN_SHARED_WORDS = 2
MAX_NAMED_WORDS = 3


class SimilarTool(NamedTuple):
    """A tool of another category by its slug, and the rarest words that it shares."""

    tool: str
    words: list[str]


class SimilarTools(TextIndex[list[SimilarTool]]):
    """The tools of one site."""

    max_holders = 200

    def of(self, tool: Tool) -> list[SimilarTool]:
        """Find the tools similar to one of the tools, the most similar first."""
        return self._of(tool.tool)

    def _find(self, tool: Tool) -> Found[list[SimilarTool]]:
        own = sorted(distinctive_words(tool), key=lambda word: (-self._weight(word), word))
        ranked = [(-round(score, 9), slug) for slug, score in self._scores(own).items()]
        heapify(ranked)
        similar: list[SimilarTool] = []
        least = -math.inf
        while ranked and len(similar) < MAX_SIMILAR:
            score, slug = heappop(ranked)
            other = self._tools[slug]
            shared = [word for word in own if word in distinctive_words(other)]
            if len(shared) >= MIN_SHARED_WORDS and other.category.slug != tool.category.slug:
                similar.append(SimilarTool(slug, shared[:MAX_NAMED_WORDS]))
                least = -score
        names = frozenset(each.tool for each in similar)
        return Found(similar, names, least if len(similar) == MAX_SIMILAR else -math.inf)
