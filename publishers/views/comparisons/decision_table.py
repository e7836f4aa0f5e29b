"""The decision table of two to four tools."""

from collections.abc import Sequence
from typing import NamedTuple

from publishers.views.facts.fact_texts import FactText
from publishers.views.tools.cards import Card


class DecisionRow(NamedTuple):
    """One row of the table.

    Attributes:
        label: What the row is about.
        texts: A text for each tool.
        live: Whether votes change these.
        better: Which tools have the best value; empty where none is better.
        facts: Where the texts come from, if they are facts.
    """

    label: str
    texts: list[str]
    live: bool = False
    better: Sequence[bool] = ()
    facts: Sequence[FactText] = ()

    @property
    def alike(self) -> bool:
        """Whether all tools have the same text."""
        return len(set(self.texts)) == 1


def decision_rows(cards: list[Card]) -> list[DecisionRow]:
    """The rows about these tools, in the order of their cards."""
    return [
        DecisionRow("Panel verdict", [card.panel_line for card in cards]),
        DecisionRow("Community", [card.community_line for card in cards], live=True),
        DecisionRow("Pricing", [card.pricing for card in cards]),
        DecisionRow("Best for", [card.best_for for card in cards]),
        DecisionRow("Category", [card.category for card in cards]),
        DecisionRow("Panel average", [card.panel_mean for card in cards]),
        DecisionRow("Entry", [card.entry for card in cards]),
    ]
