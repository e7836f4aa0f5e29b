"""The decision table of two to four tools."""

from typing import NamedTuple

from publishers.views.tools.cards import Card


class DecisionRow(NamedTuple):
    """One row: its label, a text for each tool, and whether votes change these."""

    label: str
    texts: list[str]
    live: bool = False

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
