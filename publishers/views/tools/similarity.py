"""Which tools are about the same thing: those whose texts share telling words."""

import math
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from heapq import heapify, heappop
from typing import NamedTuple

from publishers.views.lists.search import words
from publishers.views.text.markdown import to_plain
from schemas.records import Tool

MOST = 3
SHARED = 2
"""So many telling words two tools must share to be related."""

NAMED = 3
LONG = 4
"""Shorter words tell nothing of what a tool is about."""

_ENOUGH_TEXT = 100_000


class SimilarTool(NamedTuple):
    """A tool of another category by its slug, and the words it shares that tell most."""

    tool: str
    words: list[str]


class SimilarTools:
    """The tools of one site by the words of their texts.

    A word tells more the fewer tools use it. What votes and reviews change plays no part.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = sorted(tools, key=lambda tool: tool.tool)
        self._holders: dict[str, list[int]] = defaultdict(list)
        for at, tool in enumerate(self._tools):
            for word in _telling(tool):
                self._holders[word].append(at)
        self._known: dict[str, list[SimilarTool]] = {}

    def of(self, tool: Tool) -> list[SimilarTool]:
        """Name the kin of one of the tools, the nearest first."""
        if tool.tool not in self._known:
            self._known[tool.tool] = self._nearest(tool)
        return self._known[tool.tool]

    def _nearest(self, tool: Tool) -> list[SimilarTool]:
        ours = sorted(_telling(tool), key=lambda word: (len(self._holders[word]), word))
        scores = enumerate(self._scores(ours))
        ranked = [(-round(score, 9), at) for at, score in scores if score]
        heapify(ranked)
        found: list[SimilarTool] = []
        while ranked and len(found) < MOST:
            other = self._tools[heappop(ranked)[1]]
            shared = [word for word in ours if word in _telling(other)]
            if len(shared) >= SHARED and other.category.slug != tool.category.slug:
                found.append(SimilarTool(other.tool, shared[:NAMED]))
        return found

    def _scores(self, words: Iterable[str]) -> list[float]:
        """How much of these words each tool shares."""
        scores = [0.0] * len(self._tools)
        for word in words:
            holders = self._holders[word]
            weight = math.log((len(scores) + 1) / len(holders))
            for at in holders:
                scores[at] += weight
        return scores


def _telling(tool: Tool) -> frozenset[str]:
    return _words(tool.tagline, tool.best_for, tool.description)


@lru_cache(maxsize=4096)
def _words(tagline: str, best_for: str, description: str) -> frozenset[str]:
    held = words(f"{tagline} {best_for} {to_plain(description, _ENOUGH_TEXT)}")
    return frozenset(word for word in held if len(word) >= LONG and word not in _COMMON)


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
