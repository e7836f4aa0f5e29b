"""Which tools of a category have a stored comparison with each other.

A category of 300 tools has 44,850 pairs. So that files grow in line with tools, each tool of a
large category is paired with those whose texts are closest to its own. Votes play no part: a vote
must not make or remove pages.
"""

import math
from bisect import bisect
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from heapq import nlargest
from itertools import islice
from typing import Self

from publishers.views.tools.text_index import Found, TextIndex, distinctive_words
from schemas.records import Tool

MAX_ALL_PAIRS = 25
"""Tools of a category up to which every pair is stored."""
CLOSEST = 24
"""Tools that each tool of a larger category is paired with; others may be paired with it too."""


class CategoryRivals(TextIndex[list[str]]):
    """The tools on the site of one category."""

    # Pairing all tools of a word would take time that grows with their square.
    max_holders = 50

    @cached_property
    def by_tool(self) -> dict[str, list[str]]:
        """The slugs of the tools that each tool has a stored comparison with, sorted."""
        slugs = self._slugs
        if len(slugs) <= MAX_ALL_PAIRS:
            return {slug: [other for other in slugs if other != slug] for slug in slugs}
        paired = {slug: {*self._of(slug)} for slug in slugs}
        for slug in slugs:
            for other in self._of(slug):
                paired[other].add(slug)
        return {slug: sorted(others) for slug, others in paired.items()}

    def with_tools(self, tools: Mapping[str, Tool | None]) -> Self:
        """The rivals where these tools have other texts, or are not in the category any more."""
        changed = super().with_tools(tools)
        for cached in ("by_tool", "_slugs"):
            changed.__dict__.pop(cached, None)
        return changed

    @cached_property
    def _slugs(self) -> list[str]:
        return sorted(self._tools)

    def _find(self, tool: Tool) -> Found[list[str]]:
        """The tools with the closest texts; by slug where texts are equally close."""
        scores = self._scores(distinctive_words(tool))
        scores.pop(tool.tool, None)
        least = min(nlargest(CLOSEST, scores.values()), default=0.0)
        if len(scores) < CLOSEST:
            least = -math.inf
        near = (slug for slug, score in scores.items() if score >= least - 1e-6)
        best = sorted(near, key=lambda slug: (-round(scores[slug], 9), slug))[:CLOSEST]
        best += self._next(tool.tool, scores, CLOSEST - len(best))
        return Found(best, frozenset(best), least)

    def _next(self, slug: str, scores: Collection[str], count: int) -> Sequence[str]:
        """The next in the order of slugs, from the tool on: not the same ones for all tools."""
        start = bisect(self._slugs, slug)
        around = (
            self._slugs[at % len(self._slugs)] for at in range(start, start + len(self._slugs))
        )
        others = (other for other in around if other != slug and other not in scores)
        return list(islice(others, count))

    def _affected(
        self,
        present: Collection[str],
        tools: Mapping[str, Tool | None],
        before: Mapping[str, Sequence[str]],
    ) -> set[str]:
        """Where tools come or go, also all that are paired with the next ones."""
        affected = super()._affected(present, tools, before)
        if any((slug in present) != (tool is not None) for slug, tool in tools.items()):
            affected.update(slug for slug, entry in self._found.items() if math.isinf(entry.least))
        return affected


def rivals(tools: Sequence[Tool]) -> dict[str, list[str]]:
    """The slugs of the tools that each tool of one category has a stored comparison with, sorted.

    Args:
        tools: Every tool on the site of the category.
    """
    return CategoryRivals(tools).by_tool


def pairs(rivals_of: dict[str, list[str]]) -> set[tuple[str, str]]:
    """The stored pairs, each in the order of its path."""
    return {(one, other) for one, others in rivals_of.items() for other in others if one < other}
