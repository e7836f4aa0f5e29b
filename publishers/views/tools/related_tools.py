"""What else a reader of a tool's page may look at: alternatives to it, and tools related to it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from publishers.views.comparisons.answer import answer, preferred
from publishers.views.text.formatting import ENTRIES, percent
from publishers.views.tools.cards import Card, card, ranking_key
from schemas.records import Tool

MOST = 3
_CHEAPER = ("free", "freemium", "paid")


class Suggestion(NamedTuple):
    """A tool, and why it is suggested."""

    card: Card
    reason: str


def alternatives(tool: Tool, category: Iterable[Tool]) -> list[Suggestion]:
    """Tools of the same category that have something over this one, those that stand best first."""
    rivals = sorted((one for one in category if one.tool != tool.tool), key=ranking_key)
    found = [(rival, list(_advantages(tool, rival))) for rival in rivals]
    return [Suggestion(card(rival), ", ".join(why)) for rival, why in found if why][:MOST]


def related(kin: Iterable[tuple[Tool, Sequence[str]]]) -> list[Suggestion]:
    """Tools with the words that they share with the one of the page."""
    return [Suggestion(card(tool), f"shares {_quoted(words)}") for tool, words in kin]


def _advantages(tool: Tool, rival: Tool) -> Iterable[str]:
    if answer(tool, rival).leader == rival.tool:
        yield "leads their comparison"
    if _CHEAPER.index(rival.entry) < _CHEAPER.index(tool.entry):
        yield f"{ENTRIES[rival.entry].lower()} to start with"
    if preferred(tool, rival) is rival:
        shares = [percent(one.community.percent) for one in (rival, tool)]
        yield f"liked by {shares[0]} of its voters against {shares[1]}"


def _quoted(shared: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in shared)
