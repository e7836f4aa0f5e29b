"""The answer of a comparison in one sentence: who leads and why, or what could decide a tie.

The panel speaks first: by its verdict, then by its mean score. Where it cannot tell the two apart,
the community decides, once enough people have voted on both. Else it is a tie, and price or
purpose could decide.
"""

from collections.abc import Callable
from typing import NamedTuple

from publishers.views.text.formatting import ENTRIES, mean, percent
from publishers.views.text.markdown import to_plain
from schemas.records import Tool, Verdict

LEVEL = 1.0
"""Mean scores that lie less than this apart (of 100) count as level."""

ENOUGH = 5
"""Votes that each of two tools needs before the community can decide between them."""

APART = 5
"""Percentage points that the community must see between two tools to prefer one."""

_RANK: dict[Verdict, int] = {"ship": 2, "split": 1, "skip": 0, "none": -1}
_SAYS: dict[Verdict, str] = {"ship": "ships", "split": "is split on", "skip": "skips"}


class ComparisonAnswer(NamedTuple):
    """`{headline}: {reason}.` is the sentence; `leader` is the slug of the tool ahead, if any."""

    leader: str | None
    headline: str
    reason: str

    def __str__(self) -> str:
        return f"{self.headline}: {self.reason}."


def answer(one: Tool, other: Tool) -> ComparisonAnswer:
    """Who of the two leads, and why. The order of the two changes words, never the leader."""
    reviewed = [tool for tool in (one, other) if tool.panel.reviews]
    if len(reviewed) == 1:
        return _by_the_only_panel(reviewed[0], other if reviewed[0] is one else one)
    if not reviewed:
        return _by_community(one, other, "the panel has reviewed neither yet")
    if one.panel.verdict != other.panel.verdict:
        return _by_verdict(*_descending(one, other, _rank))
    if abs(_mean(one) - _mean(other)) >= LEVEL:
        return _by_mean(*_descending(one, other, _mean))
    return _by_community(one, other, f"{_both(one)}, level at {_scores(one, other)} of 100")


def preferred(one: Tool, other: Tool) -> Tool | None:
    """The tool that the community clearly prefers, if enough people have voted on both."""
    ahead, behind = _descending(one, other, _share)
    enough = min(one.community.votes, other.community.votes) >= ENOUGH
    return ahead if enough and _share(ahead) - _share(behind) >= APART else None


def _by_the_only_panel(seen: Tool, unseen: Tool) -> ComparisonAnswer:
    missing = f"and has not reviewed {unseen.name} yet"
    if seen.panel.verdict == "ship":
        reason = f"the panel {_verdict(seen, 'it')} {missing}"
        return ComparisonAnswer(seen.tool, f"{seen.name} leads for now", reason)
    return ComparisonAnswer(
        None, "No leader yet", f"the panel {_verdict(seen, seen.name)} {missing}"
    )


def _by_verdict(ahead: Tool, behind: Tool) -> ComparisonAnswer:
    verdicts = f"{_verdict(ahead, 'it')} and {_verdict(behind, behind.name)}"
    reason = f"the panel {verdicts}{_echo(ahead, behind)}"
    return ComparisonAnswer(ahead.tool, f"{ahead.name} leads", reason)


def _by_mean(ahead: Tool, behind: Tool) -> ComparisonAnswer:
    skipped = ahead.panel.verdict == "skip"
    headline = f"{ahead.name} leads" + (", though neither convinces" if skipped else "")
    scores = f"scores it {mean(ahead.panel.mean)} against {mean(behind.panel.mean)} of 100"
    return ComparisonAnswer(
        ahead.tool, headline, f"{_both(ahead)} and {scores}{_echo(ahead, behind)}"
    )


def _by_community(one: Tool, other: Tool, panel: str) -> ComparisonAnswer:
    ahead = preferred(one, other)
    if ahead is None:
        return ComparisonAnswer(None, "It is a tie", f"{panel}; {_could_decide(one, other)}")
    behind = other if ahead is one else one
    shares = f"{percent(ahead.community.percent)} of its voters would ship it, against "
    shares += f"{percent(behind.community.percent)} for {behind.name}"
    return ComparisonAnswer(
        ahead.tool, f"{ahead.name} leads with the community", f"{panel}, but {shares}"
    )


def _could_decide(one: Tool, other: Tool) -> str:
    if one.entry != other.entry:
        entries = [f"{tool.name} is {ENTRIES[tool.entry].lower()}" for tool in (one, other)]
        return f"price could decide, as {' and '.join(entries)}"
    purposes = [to_plain(tool.best_for, 90).rstrip(".") for tool in (one, other)]
    named = f"{one.name} is best for “{purposes[0]}”, {other.name} for “{purposes[1]}”"
    return f"purpose could decide, as {named}"


def _verdict(tool: Tool, called: str) -> str:
    panel = tool.panel
    says = f"{_SAYS[panel.verdict]} {called}"
    agreeing = max(panel.ship, panel.skip)
    return says if panel.verdict == "split" else f"{says} ({agreeing} of {len(panel.reviews)})"


def _both(tool: Tool) -> str:
    return f"the panel {_SAYS[tool.panel.verdict]} both"


def _scores(one: Tool, other: Tool) -> str:
    scores = [mean(tool.panel.mean) for tool in (one, other)]
    return scores[0] if scores[0] == scores[1] else " and ".join(scores)


def _echo(ahead: Tool, behind: Tool) -> str:
    liked = preferred(ahead, behind)
    if liked is None:
        return ""
    return ", and the community agrees" if liked is ahead else ", though the community disagrees"


def _descending(one: Tool, other: Tool, key: Callable[[Tool], float]) -> tuple[Tool, Tool]:
    return (one, other) if key(one) >= key(other) else (other, one)


def _rank(tool: Tool) -> float:
    return _RANK[tool.panel.verdict]


def _mean(tool: Tool) -> float:
    return tool.panel.mean or 0.0


def _share(tool: Tool) -> float:
    return tool.community.percent or 0
