"""Chooses the related tools that a tool's page shows: alternatives, and similar tools.

Alternatives are of its category. `similar_tools` finds those of other categories.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from publishers.views.comparisons.leader_and_reason import compare_tools, preferred
from publishers.views.text.formatting import ENTRIES, percent
from publishers.views.tools.cards import Card, card, ranking_key
from schemas.records import Tool

MAX_SUGGESTIONS = 3
_CHEAPER = ("free", "freemium", "paid")


class Suggestion(NamedTuple):
    """A tool, and the reason to suggest it."""

    card: Card
    reason: str


def alternatives(tool: Tool, category: Iterable[Tool]) -> list[Suggestion]:
    """Tools of the same category with an advantage over this one, highest-rated first."""
    rivals = sorted((rival for rival in category if rival.tool != tool.tool), key=ranking_key)
    reasons = [(rival, ", ".join(_advantages(tool, rival))) for rival in rivals]
    return [Suggestion(card(rival), reason) for rival, reason in reasons if reason][
        :MAX_SUGGESTIONS
    ]


def related(similar: Iterable[tuple[Tool, Sequence[str]]]) -> list[Suggestion]:
    """Tools with the words that they share with this one."""
    return [Suggestion(card(tool), f"shares {_quoted(words)}") for tool, words in similar]


def _advantages(tool: Tool, rival: Tool) -> Iterable[str]:
    if compare_tools(tool, rival).leader == rival.tool:
        yield "beats it head to head"
    if _CHEAPER.index(rival.entry) < _CHEAPER.index(tool.entry):
        yield f"{ENTRIES[rival.entry].lower()} to start"
    if preferred(tool, rival) is rival:
        shares = [percent(each.community.percent) for each in (rival, tool)]
        yield f"{shares[0]} community ship share, against {shares[1]}"


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)
