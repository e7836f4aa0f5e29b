"""Leader and reason of a comparison, its answer in one sentence; of a tie, what could decide it.

The panel comes first: its verdict, then its mean score. If these are level, the community decides,
once both tools have enough votes. Otherwise it is a tie, and price or purpose could decide.
"""

from collections.abc import Callable
from typing import NamedTuple

from publishers.views.text.formatting import ENTRIES, mean, percent
from publishers.views.text.markdown import to_plain
from schemas.records import Tool, Verdict
from schemas.text.isolation import isolate

LEVEL = 1.0
"""Mean scores (0 to 100) that differ by less are level."""

MIN_VOTES = 5
"""Votes that each of two tools needs before the community can decide between them."""

MIN_DIFFERENCE = 5
"""Percentage points between two community shares from which one tool is preferred."""

_VERDICT_RANK: dict[Verdict, int] = {"ship": 2, "split": 1, "skip": 0, "none": -1}
_VERBS: dict[Verdict, str] = {"ship": "ships", "split": "is split on", "skip": "skips"}


class ComparisonAnswer(NamedTuple):
    """`{headline}: {reason}.` is the sentence; `leader` is the slug of the leading tool, if any."""

    leader: str | None
    headline: str
    reason: str

    def __str__(self) -> str:
        return f"{self.headline}: {self.reason}."


def compare_tools(one: Tool, other: Tool) -> ComparisonAnswer:
    """Compare two tools. Their order changes words, never the leader."""
    # Reviews of reviewers who left count no more.
    reviewed = [tool for tool in (one, other) if tool.panel.verdict != "none"]
    if len(reviewed) == 1:
        return _by_only_reviewed(reviewed[0], other if reviewed[0] is one else one)
    if not reviewed:
        return _by_community(one, other, "the panel has reviewed neither yet")
    if one.panel.verdict != other.panel.verdict:
        return _by_verdict(*_descending(one, other, _verdict_rank))
    if abs(_mean(one) - _mean(other)) >= LEVEL:
        return _by_mean(*_descending(one, other, _mean))
    return _by_community(one, other, f"{_both(one)}, level at {_scores(one, other)} out of 100")


def preferred(one: Tool, other: Tool) -> Tool | None:
    """The tool that the community clearly prefers, if both have enough votes."""
    ahead, behind = _descending(one, other, _share)
    enough = min(one.community.votes, other.community.votes) >= MIN_VOTES
    return ahead if enough and _share(ahead) - _share(behind) >= MIN_DIFFERENCE else None


def _by_only_reviewed(reviewed: Tool, unreviewed: Tool) -> ComparisonAnswer:
    missing = f"and has not reviewed {isolate(unreviewed.name)} yet"
    if reviewed.panel.verdict == "ship":
        reason = f"the panel {_verdict(reviewed, 'it')} {missing}"
        return ComparisonAnswer(reviewed.tool, f"{isolate(reviewed.name)} leads for now", reason)
    reason = f"the panel {_verdict(reviewed, isolate(reviewed.name))} {missing}"
    return ComparisonAnswer(None, "No leader yet", reason)


def _by_verdict(ahead: Tool, behind: Tool) -> ComparisonAnswer:
    verdicts = f"{_verdict(ahead, 'it')} and {_verdict(behind, isolate(behind.name))}"
    reason = f"the panel {verdicts}{_agreement(ahead, behind)}"
    return ComparisonAnswer(ahead.tool, f"{isolate(ahead.name)} leads", reason)


def _by_mean(ahead: Tool, behind: Tool) -> ComparisonAnswer:
    skipped = ahead.panel.verdict == "skip"
    headline = f"{isolate(ahead.name)} leads" + (", though neither convinces" if skipped else "")
    scores = f"scores it {mean(ahead.panel.mean)} out of 100, against {mean(behind.panel.mean)}"
    return ComparisonAnswer(
        ahead.tool, headline, f"{_both(ahead)} and {scores}{_agreement(ahead, behind)}"
    )


def _by_community(one: Tool, other: Tool, panel: str) -> ComparisonAnswer:
    ahead = preferred(one, other)
    if ahead is None:
        return ComparisonAnswer(None, "It is a tie", f"{panel}; {_could_decide(one, other)}")
    behind = other if ahead is one else one
    shares = f"{percent(ahead.community.percent)} of its voters would ship it, against "
    shares += f"{percent(behind.community.percent)} for {isolate(behind.name)}"
    return ComparisonAnswer(
        ahead.tool, f"{isolate(ahead.name)} leads with the community", f"{panel}, but {shares}"
    )


def _could_decide(one: Tool, other: Tool) -> str:
    if one.entry != other.entry:
        entries = [
            f"{isolate(tool.name)} is {ENTRIES[tool.entry].lower()}" for tool in (one, other)
        ]
        return f"the difference is price: {', '.join(entries)}"
    purposes = [isolate(to_plain(tool.best_for, 90).rstrip(".")) for tool in (one, other)]
    return (
        f"the difference is purpose: {isolate(one.name)} is best for “{purposes[0]}”, "
        f"{isolate(other.name)} for “{purposes[1]}”"
    )


def _verdict(tool: Tool, name: str) -> str:
    panel = tool.panel
    verdict = f"{_VERBS[panel.verdict]} {name}"
    agreeing = max(panel.ship, panel.skip)
    return (
        verdict
        if panel.verdict == "split"
        else f"{verdict} ({agreeing} of {panel.ship + panel.skip})"
    )


def _both(tool: Tool) -> str:
    return f"the panel {_VERBS[tool.panel.verdict]} both"


def _scores(one: Tool, other: Tool) -> str:
    scores = [mean(tool.panel.mean) for tool in (one, other)]
    return scores[0] if scores[0] == scores[1] else " and ".join(scores)


def _agreement(ahead: Tool, behind: Tool) -> str:
    favourite = preferred(ahead, behind)
    if favourite is None:
        return ""
    return (
        ", and the community agrees" if favourite is ahead else ", though the community disagrees"
    )


def _descending(one: Tool, other: Tool, key: Callable[[Tool], float]) -> tuple[Tool, Tool]:
    return (one, other) if key(one) >= key(other) else (other, one)


def _verdict_rank(tool: Tool) -> float:
    return _VERDICT_RANK[tool.panel.verdict]


def _mean(tool: Tool) -> float:
    return tool.panel.mean or 0.0


def _share(tool: Tool) -> float:
    return tool.community.percent or 0
