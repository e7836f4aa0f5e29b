"""Two tools side by side."""

from collections.abc import Iterable
from typing import NamedTuple

from publishers.views.comparisons.decision_table import DecisionRow, decision_rows
from publishers.views.comparisons.leader_and_reason import ComparisonAnswer, compare_tools
from publishers.views.comparisons.scorecard import ScorecardRow, scorecard
from publishers.views.comparisons.verdict_change import VerdictChange, last_verdict_change
from publishers.views.facts.fact_rows import Definitions, fact_rows
from publishers.views.tools.cards import Card, card
from schemas.history import History
from schemas.records import Reviewer, Tool
from schemas.text.isolation import isolate


class ComparisonPage(NamedTuple):
    """All that a comparison page shows, in its order."""

    title: str
    about: str
    slugs: str
    answer: ComparisonAnswer
    cards: list[Card]
    rows: list[DecisionRow]
    scorecard: list[ScorecardRow]
    verdict_change: VerdictChange | None


def comparison(
    one: Tool,
    other: Tool,
    panel: list[Reviewer],
    histories: Iterable[History] = (),
    definitions: Definitions | None = None,
) -> ComparisonPage:
    """The page of two tools in any order, with their histories and what their facts mean."""
    first, second = sorted((one, other), key=lambda tool: tool.tool)
    cards = [card(first), card(second)]
    return ComparisonPage(
        title=title(first, second),
        about=_about(first, second),
        slugs=f"{first.tool}-vs-{second.tool}",
        answer=compare_tools(first, second),
        cards=cards,
        rows=[*decision_rows(cards), *fact_rows([first, second], definitions or {})],
        scorecard=scorecard([first, second], panel),
        verdict_change=last_verdict_change(histories),
    )


def title(one: Tool, other: Tool) -> str:
    """The title of the comparison of two tools in slug order."""
    return f"{isolate(one.name)} vs {isolate(other.name)}"


def _about(one: Tool, other: Tool) -> str:
    names = [isolate(tool.category.name) for tool in (one, other)]
    scope = f"in {names[0]}" if names[0] == names[1] else f"from {' and '.join(names)}"
    return (
        f"Which one should you ship with? Two tools {scope}, side by side: panel verdicts, "
        "community votes, pricing, what each is best for, and every review in full."
    )
