"""Three or four tools side by side, with the rows and reviewers on which they differ."""

from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

from publishers.views.comparisons.decision_table import DecisionRow, decision_rows
from publishers.views.comparisons.leader_and_reason import ComparisonAnswer, compare_tools
from publishers.views.comparisons.pairs import Pair, pair
from publishers.views.comparisons.scorecard import ScorecardRow, scorecard
from publishers.views.comparisons.verdict_change import VerdictChange, last_verdict_change
from publishers.views.facts.fact_rows import Definitions, fact_rows
from publishers.views.tools.cards import Card, card
from schemas.history import History
from schemas.records import Reviewer, Tool
from schemas.text.isolation import isolate

MAX_TOOLS = 4
"""Tools that one comparison can hold."""


class MultiComparison(NamedTuple):
    """All that the page shows, in its order."""

    title: str
    about: str
    slugs: str
    answer: ComparisonAnswer
    cards: list[Card]
    rows: list[DecisionRow]
    scorecard: list[ScorecardRow]
    verdict_change: VerdictChange | None
    pairs: list[Pair]
    full: bool


def multi_comparison(
    tools: list[Tool],
    panel: list[Reviewer],
    histories: Iterable[History] = (),
    definitions: Definitions | None = None,
) -> MultiComparison:
    """The page of these tools in any order, with their histories and what their facts mean."""
    ordered = sorted(tools, key=lambda tool: tool.tool)
    cards = [card(tool) for tool in ordered]
    return MultiComparison(
        title=" vs ".join(isolate(each.name) for each in cards),
        about=_about(ordered),
        slugs="-vs-".join(each.slug for each in cards),
        answer=answer_among(ordered),
        cards=cards,
        rows=[*decision_rows(cards), *fact_rows(ordered, definitions or {})],
        scorecard=scorecard(ordered, panel),
        verdict_change=last_verdict_change(histories),
        pairs=[pair(*two) for two in combinations(ordered, 2)],
        full=len(ordered) >= MAX_TOOLS,
    )


def answer_among(tools: list[Tool]) -> ComparisonAnswer:
    """The answer for all tools, from the answers of their comparisons in pairs."""
    beaten_by: dict[str, set[str]] = {tool.tool: set() for tool in tools}
    for one, other in combinations(tools, 2):
        leader = compare_tools(one, other).leader
        if leader is not None:
            beaten_by[leader].add(other.tool if leader == one.tool else one.tool)
    beaten = set().union(*beaten_by.values())
    unbeaten = [tool for tool in tools if tool.tool not in beaten]
    if len(unbeaten) == 1:
        return _only_unbeaten(unbeaten[0], tools, beaten_by)
    if not unbeaten:
        return ComparisonAnswer(None, "No clear leader", "each of them loses to another")
    names = [isolate(tool.name) for tool in unbeaten]
    reason = compare_tools(*unbeaten).reason if len(unbeaten) == 2 else "none of them beats another"
    return ComparisonAnswer(None, f"{_list(names)} tie for first", reason)


def _only_unbeaten(
    best: Tool, tools: list[Tool], beaten_by: dict[str, set[str]]
) -> ComparisonAnswer:
    """The answer for the one unbeaten tool; the closest of the others gives the reason."""
    others = [tool for tool in tools if tool is not best]
    level = [tool for tool in others if tool.tool not in beaten_by[best.tool]]
    if level:
        names = _list([isolate(tool.name) for tool in level])
        reason = f"no other tool beats it, though it only ties with {names}"
        return ComparisonAnswer(best.tool, f"{isolate(best.name)} comes first", reason)
    closest = max(others, key=lambda tool: (len(beaten_by[tool.tool]), tool.panel.mean or 0.0))
    reason = f"it beats each of the others; against {isolate(closest.name)}, the closest, "
    return ComparisonAnswer(
        best.tool, f"{isolate(best.name)} leads", reason + compare_tools(best, closest).reason
    )


def _about(tools: list[Tool]) -> str:
    categories = list(dict.fromkeys(isolate(tool.category.name) for tool in tools))
    number = {3: "Three", 4: "Four"}.get(len(tools), str(len(tools)))
    scope = f"in {categories[0]}" if len(categories) == 1 else f"from {_list(categories)}"
    return (
        f"Which one should you ship with? {number} tools {scope}, side by side: panel verdicts, "
        "community votes, pricing, what each is best for, and every review in full."
    )


def _list(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
