"""Links to comparisons, each with its answer."""

from itertools import combinations
from typing import NamedTuple

from publishers.views.comparisons.leader_and_reason import ComparisonAnswer, compare_tools
from publishers.views.paths import comparison_path
from publishers.views.tools.cards import Card, card, ranking_key
from schemas.records import Tool


class Pair(NamedTuple):
    """A link to a comparison."""

    path: str
    one: Card
    other: Card
    answer: ComparisonAnswer


def pair(one: Tool, other: Tool) -> Pair:
    """The link to the comparison of two tools in any order."""
    first, second = sorted((one, other), key=lambda tool: tool.tool)
    path = comparison_path(first.tool, second.tool)
    return Pair(path, card(first), card(second), compare_tools(first, second))


def top_pairs(tools: list[Tool], among: int) -> list[Pair]:
    """Every comparison among the highest-rated tools, highest first."""
    best = sorted(tools, key=ranking_key)[:among]
    return [pair(one, other) for one, other in combinations(best, 2)]
