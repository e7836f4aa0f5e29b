"""Three or four tools side by side: what a comparison of two shows, and what they differ in."""

from itertools import combinations
from typing import NamedTuple

from publishers.views.comparisons.answer import ComparisonAnswer, answer
from publishers.views.comparisons.pairs import Pair, pair
from publishers.views.comparisons.scorecard import ScorecardRow, scorecard
from publishers.views.tools.cards import Card, card
from schemas.records import Reviewer, Tool

MAX_TOOLS = 4
"""So many tools can stand side by side."""


class MultiComparisonRow(NamedTuple):
    """One row of the decision table: its label, a text for each tool, whether they are alike."""

    label: str
    texts: list[str]
    alike: bool


class MultiScorecardRow(NamedTuple):
    """One reviewer on the scorecard, and whether they say the same of every tool."""

    line: ScorecardRow
    alike: bool


class MultiComparison(NamedTuple):
    """All that the page shows, in the order in which it shows it."""

    title: str
    about: str
    slugs: str
    answer: ComparisonAnswer
    cards: list[Card]
    rows: list[MultiComparisonRow]
    scorecard: list[MultiScorecardRow]
    pairs: list[Pair]
    full: bool


def multi_comparison(tools: list[Tool], panel: list[Reviewer]) -> MultiComparison:
    """The page of these tools, in whichever order they are given."""
    ordered = sorted(tools, key=lambda tool: tool.tool)
    cards = [card(tool) for tool in ordered]
    return MultiComparison(
        title=" vs ".join(one.name for one in cards),
        about=_about(ordered),
        slugs="-vs-".join(one.slug for one in cards),
        answer=answer_among(ordered),
        cards=cards,
        rows=_rows(cards),
        scorecard=[MultiScorecardRow(line, _agrees(line)) for line in scorecard(ordered, panel)],
        pairs=[pair(*two) for two in combinations(ordered, 2)],
        full=len(ordered) >= MAX_TOOLS,
    )


def answer_among(tools: list[Tool]) -> ComparisonAnswer:
    """Who is ahead of all others, from the answers of their comparisons in pairs."""
    ahead: dict[str, set[str]] = {tool.tool: set() for tool in tools}
    for one, other in combinations(tools, 2):
        leader = answer(one, other).leader
        if leader is not None:
            ahead[leader].add(other.tool if leader == one.tool else one.tool)
    beaten = set().union(*ahead.values())
    best = [tool for tool in tools if tool.tool not in beaten]
    if len(best) == 1:
        return _ahead(best[0], tools, ahead)
    if not best:
        return ComparisonAnswer(None, "No clear leader", "each of them stands behind another one")
    if len(best) == 2:
        between = answer(*best).reason
        named = _list([tool.name for tool in best])
        return ComparisonAnswer(
            None, "It is a tie", f"none is ahead of {named}; between the two, {between}"
        )
    reason = f"nothing puts {_list([tool.name for tool in best], 'or')} ahead of the others"
    return ComparisonAnswer(None, "It is a tie", reason)


def _ahead(best: Tool, tools: list[Tool], ahead: dict[str, set[str]]) -> ComparisonAnswer:
    """The one that nobody is ahead of; against the closest of the others it says why."""
    others = [tool for tool in tools if tool is not best]
    level = [tool for tool in others if tool.tool not in ahead[best.tool]]
    if level:
        named = _list([tool.name for tool in level])
        reason = f"no other is ahead of it, though it does not lead {named}"
        return ComparisonAnswer(best.tool, f"{best.name} stands best", reason)
    closest = max(others, key=lambda tool: (len(ahead[tool.tool]), tool.panel.mean or 0.0))
    reason = f"it is ahead of each of the others; against {closest.name}, the closest, "
    return ComparisonAnswer(best.tool, f"{best.name} leads", reason + answer(best, closest).reason)


def _about(tools: list[Tool]) -> str:
    shelves = list(dict.fromkeys(tool.category.name for tool in tools))
    number = {3: "Three", 4: "Four"}.get(len(tools), str(len(tools)))
    scope = f"in {shelves[0]}" if len(shelves) == 1 else f"from {_list(shelves)}"
    return (
        f"{number} tools {scope}, side by side: panel verdicts, community votes, pricing, what "
        "each is best for, and every review in full."
    )


def _rows(cards: list[Card]) -> list[MultiComparisonRow]:
    columns = {
        "Panel verdict": [one.panel_line for one in cards],
        "Panel mean": [one.panel_mean for one in cards],
        "Community": [one.community_line for one in cards],
        "Entry": [one.entry for one in cards],
        "Pricing": [one.pricing for one in cards],
        "Best for": [one.best_for for one in cards],
        "Category": [one.category for one in cards],
    }
    return [
        MultiComparisonRow(label, texts, len(set(texts)) == 1) for label, texts in columns.items()
    ]


def _agrees(line: ScorecardRow) -> bool:
    return len({opinion.verdict if opinion else None for opinion in line.opinions}) == 1


def _list(names: list[str], joined: str = "and") -> str:
    return f" {joined} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
