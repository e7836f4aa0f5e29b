"""One tool: its card, its reviews, and what to compare it with."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from publishers.views.comparisons.pairs import Pair, pair
from publishers.views.comparisons.scorecard import ScorecardRow, scorecard
from publishers.views.facts.fact_texts import FactText, fact_texts
from publishers.views.text.formatting import count
from publishers.views.tools.cards import Card, card, ranking_key
from publishers.views.tools.history import HistoryView, history_view
from publishers.views.tools.related_tools import Suggestion, alternatives, related
from schemas.facts.values import FactDefinition
from schemas.history import History
from schemas.records import Community, Panel, Reviewer, Tool

MAX_COMPARED = 12
"""The highest-rated rivals whose comparisons the page lists; its form offers all rivals."""


class ToolPage(NamedTuple):
    """All that the page of one tool shows."""

    card: Card
    summary: str
    scorecard: list[ScorecardRow]
    rivals: list[Card]
    pairs: list[Pair]
    alternatives: list[Suggestion]
    related: list[Suggestion]
    history: HistoryView | None
    facts: list[FactText]


def tool_page(
    tool: Tool,
    category: list[Tool],
    panel: list[Reviewer],
    history: History | None = None,
    similar: Iterable[tuple[Tool, Sequence[str]]] = (),
    definitions: Iterable[FactDefinition] = (),
) -> ToolPage:
    """The page of a tool.

    Args:
        tool: The tool.
        category: The tools of its category that are on the site; it may be one of them.
        panel: Every reviewer.
        history: How its verdicts came about.
        similar: Tools of other categories, with the words that they share with this one.
        definitions: The facts that its category names.
    """
    rivals = sorted((other for other in category if other.tool != tool.tool), key=ranking_key)
    return ToolPage(
        card=card(tool),
        summary=summary(tool),
        scorecard=scorecard([tool], panel),
        rivals=sorted(map(card, rivals), key=lambda rival: (rival.name, rival.slug)),
        pairs=[pair(tool, rival) for rival in rivals[:MAX_COMPARED]],
        alternatives=alternatives(tool, category),
        related=related(similar),
        history=history_view(history or History()),
        facts=fact_texts(tool, definitions),
    )


def summary(tool: Tool) -> str:
    """The verdicts of panel and community in one sentence."""
    if not tool.panel.reviews and not tool.community.votes:
        return "Not reviewed yet. Be the first to vote."
    return f"{_panel(tool.panel)}; {_community(tool.community)}."


def _panel(panel: Panel) -> str:
    heads = count(panel.ship + panel.skip, "reviewer")
    if panel.verdict == "none":
        return "Not reviewed yet"
    if panel.verdict == "split":
        return f"{heads} are split down the middle"
    agreeing = panel.ship if panel.verdict == "ship" else panel.skip
    return f"{agreeing} of {heads} would {panel.verdict} it"


def _community(community: Community) -> str:
    if not community.votes:
        return "no community votes yet"
    return f"{community.percent}% of {count(community.votes, 'voter')} would ship it"
