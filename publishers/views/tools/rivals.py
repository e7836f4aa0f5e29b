"""Which tools of a category have a stored comparison with each other.

A category of 300 tools has 44,850 pairs. So that files grow in line with tools, each tool of a
large category is paired with those whose texts are closest to its own. Votes play no part: a vote
must not make or remove pages.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from heapq import nsmallest
from itertools import combinations

from publishers.views.tools.similarity import distinctive_words
from schemas.records import Tool

MAX_ALL_PAIRS = 25
"""Tools of a category up to which every pair is stored."""
CLOSEST = 24
"""Tools that each tool of a larger category is paired with; others may be paired with it too."""
MAX_HOLDERS = 50
"""Words that more tools share are left out: they tell little, and pairing all of these tools would
take time that grows with their square."""


def rivals(tools: Sequence[Tool]) -> dict[str, list[str]]:
    """The slugs of the tools that each tool of one category has a stored comparison with, sorted.

    Args:
        tools: Every tool on the site of the category.
    """
    slugs = sorted(tool.tool for tool in tools)
    if len(slugs) <= MAX_ALL_PAIRS:
        return {slug: [other for other in slugs if other != slug] for slug in slugs}
    paired: dict[str, set[str]] = {slug: set() for slug in slugs}
    for slug, closest in _closest(tools, slugs).items():
        paired[slug].update(closest)
        for other in closest:
            paired[other].add(slug)
    return {slug: sorted(others) for slug, others in paired.items()}


def pairs(rivals_of: dict[str, list[str]]) -> set[tuple[str, str]]:
    """The stored pairs, each in the order of its path."""
    return {(one, other) for one, others in rivals_of.items() for other in others if one < other}


def _closest(tools: Sequence[Tool], slugs: Sequence[str]) -> dict[str, list[str]]:
    """For each tool those with the closest texts; by slug where texts are equally close."""
    holders: dict[str, list[str]] = defaultdict(list)
    for tool in tools:
        for word in distinctive_words(tool):
            holders[word].append(tool.tool)
    scores: dict[str, dict[str, float]] = {slug: defaultdict(float) for slug in slugs}
    for word in sorted(holders):  # sums of floats depend on the order
        if 1 < len(holders[word]) <= MAX_HOLDERS:
            weight = math.log((len(slugs) + 1) / len(holders[word]))
            for one, other in combinations(sorted(holders[word]), 2):
                scores[one][other] += weight
                scores[other][one] += weight
    return {slug: _best(slug, scores[slug], slugs) for slug in slugs}


def _best(slug: str, scores: dict[str, float], slugs: Sequence[str]) -> list[str]:
    best = nsmallest(CLOSEST, scores, key=lambda other: (-round(scores[other], 9), other))
    if len(best) < CLOSEST:
        # The next in the order of slugs, from the tool on: not the same ones for all tools.
        start = slugs.index(slug) + 1
        for other in (*slugs[start:], *slugs[:start]):
            if len(best) == CLOSEST:
                break
            if other != slug and other not in scores:
                best.append(other)
    return best
