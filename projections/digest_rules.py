"""What stands in a week's digest: one pure function of what is known of tools, reviews and tallies.

Everything is ordered by the data alone, so the same projections give the same digest anywhere.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from schemas import digests, weeks
from schemas.digests import (
    BookmarkMove,
    CloseCall,
    Counts,
    Digest,
    Flip,
    NewTool,
    PanelChange,
    Pick,
    Reason,
    Standing,
    VoteMove,
)
from schemas.instants import to_datetime
from schemas.records import CategoryName, Choice, Community, Entry, mean_of


class Tally(NamedTuple):
    """Counts of one tool; the differences between two tallies are one too."""

    ship: int = 0
    skip: int = 0
    bookmarks: int = 0

    def since(self, past: "Tally") -> "Tally":
        """What changed."""
        return Tally(self.ship - past.ship, self.skip - past.skip, self.bookmarks - past.bookmarks)


class Listed(NamedTuple):
    """A tool on the site; `listed` is when it was so first, in microseconds."""

    tool: str
    name: str
    category: CategoryName
    tagline: str
    entry: Entry
    listed: int
    tally: Tally


class Revision(NamedTuple):
    """One revision of a review by somebody of the panel; a retraction has no score or verdict."""

    tool: str
    reviewer: str
    reviewer_name: str
    time: int
    score: int | None
    verdict: Choice | None
    body: str


class Past(NamedTuple):
    """The digest before: its week, and every tool's tally then."""

    week: str | None = None
    tallies: Mapping[str, Tally] = {}

    def of(self, tool: str) -> Tally:
        """A tool's tally then; nothing where it was not listed yet."""
        return self.tallies.get(tool, Tally())


def digest_of(
    week: str, tools: Iterable[Listed], revisions: Iterable[Revision], past: Past
) -> Digest | None:
    """Make the digest of a week; None where nothing happened in it.

    Args:
        week: Such as `2026-W47`.
        tools: Those on the site, by slug.
        revisions: All that were made before the week's end of every tool that is new in it or was
            reviewed in it, oldest first.
        past: What the community is held against.
    """
    start, end = weeks.span(week)
    there = [tool for tool in tools if tool.listed < end]
    panels = _Panels(start, end, {tool.tool for tool in there}, revisions)
    moved = {tool.tool: tool.tally.since(past.of(tool.tool)) for tool in there}
    new_tools = _new_tools(there, panels, start)
    changes = _panel_changes(there, panels, start)
    flips = _flips(there, past)
    close = _close_calls(there)
    counts = Counts(
        tools=len(there),
        new_tools=len(new_tools),
        panel_changes=len(changes),
        flips=len(flips),
        close_calls=len(close),
        reviews=panels.submissions,
        retractions=panels.retractions,
        votes=sum(change.ship + change.skip for change in moved.values()),
        bookmarks=sum(change.bookmarks for change in moved.values()),
    )
    if not (new_tools or panels.submissions or panels.retractions or any(map(any, moved.values()))):
        return None
    return Digest(
        week=week,
        start=to_datetime(start),
        end=to_datetime(end),
        frozen=False,
        since=past.week,
        counts=counts,
        new_tools=new_tools[: digests.MOST_ITEMS],
        panel_changes=changes[: digests.MOST_ITEMS],
        flips=flips[: digests.MOST_ITEMS],
        close_calls=close[: digests.MOST_CLOSE_CALLS],
        votes=_vote_moves(there, moved)[: digests.MOST_MOVERS],
        bookmarks=_bookmark_moves(there, moved)[: digests.MOST_MOVERS],
        reviews=_picks({tool.tool: tool for tool in there}, panels),
    )


class _Panels:
    """The panel on every reviewed tool: before the week, and after it."""

    def __init__(
        self, start: int, end: int, tools: set[str], revisions: Iterable[Revision]
    ) -> None:
        known = [one for one in revisions if one.tool in tools and one.time < end]
        self.of_week = [one for one in known if one.time >= start]
        self.before = _current(one for one in known if one.time < start)
        self.after = _current(known)
        self.first: dict[str, Revision] = {}
        for one in known:
            self.first.setdefault(one.tool, one)
        self.submissions = sum(one.verdict is not None for one in self.of_week)
        self.retractions = len(self.of_week) - self.submissions


_Opinions = dict[str, dict[str, Revision]]


def _current(revisions: Iterable[Revision]) -> _Opinions:
    """The standing opinions by tool and reviewer; the last revision of each counts."""
    found: _Opinions = {}
    for one in revisions:
        opinions = found.setdefault(one.tool, {})
        if one.verdict is None:
            opinions.pop(one.reviewer, None)
        else:
            opinions[one.reviewer] = one
    return found


def _standing(opinions: Mapping[str, Revision]) -> Standing:
    return Standing.of(
        [(one.score, one.verdict) for one in opinions.values() if one.score is not None
         and one.verdict is not None]
    )  # fmt: skip


def _community(tally: Tally) -> Community:
    return Community.of(tally.ship, tally.skip)


def _name(tool: Listed) -> dict[str, Any]:
    return {"tool": tool.tool, "name": tool.name, "category": tool.category}


def _new_tools(tools: list[Listed], panels: _Panels, start: int) -> list[NewTool]:
    """First listed this week, in the order of their listing."""
    new = sorted(
        (tool for tool in tools if tool.listed >= start), key=lambda it: (it.listed, it.tool)
    )
    return [
        NewTool(
            **_name(tool),
            tagline=tool.tagline,
            entry=tool.entry,
            listed=to_datetime(tool.listed),
            panel=_standing(panels.after.get(tool.tool, {})),
            community=_community(tool.tally),
        )
        for tool in new
    ]


def _panel_changes(tools: list[Listed], panels: _Panels, start: int) -> list[PanelChange]:
    """Verdicts that turned first, then new ones, then those that went; each by slug."""
    found = []
    for tool in tools:
        # Reviews may be there before their tool is listed, and show only from then on.
        former = panels.before.get(tool.tool, {}) if tool.listed < start else {}
        before, after = _standing(former), _standing(panels.after.get(tool.tool, {}))
        if before.verdict != after.verdict:
            found.append(PanelChange(**_name(tool), before=before, after=after))
    return sorted(found, key=lambda it: (_nearness(it), it.tool))


def _nearness(change: PanelChange) -> int:
    if change.before.verdict == "none":
        return 1
    return 2 if change.after.verdict == "none" else 0


def _flips(tools: list[Listed], past: Past) -> list[Flip]:
    """Changed verdicts of communities that had one, the most voted first."""
    found = []
    for tool in tools:
        before, after = _community(past.of(tool.tool)), _community(tool.tally)
        if before.verdict != after.verdict and before.votes and after.votes:
            found.append(Flip(**_name(tool), before=before, after=after))
    return sorted(found, key=lambda it: (-it.after.votes, it.tool))


def _close_calls(tools: list[Listed]) -> list[CloseCall]:
    """Enough votes, and next to nothing between ship and skip; the closest first."""
    found = []
    for tool in tools:
        community = _community(tool.tally)
        margin = abs(community.ship - community.skip)
        enough = community.votes >= digests.CLOSE_CALL_VOTES
        if enough and 100 * margin <= digests.CLOSE_CALL_PERCENT * community.votes:
            found.append(CloseCall(**_name(tool), community=community, margin=margin))

    def closeness(call: CloseCall) -> tuple[Fraction, int, str]:
        return Fraction(call.margin, call.community.votes), -call.community.votes, call.tool

    return sorted(found, key=closeness)


def _vote_moves(tools: list[Listed], moved: Mapping[str, Tally]) -> list[VoteMove]:
    """Where ships and skips changed, most first."""
    found = []
    for tool in tools:
        ship, skip, _ = moved[tool.tool]
        if ship or skip:
            community = _community(tool.tally)
            found.append(
                VoteMove(
                    **_name(tool), ship=ship, skip=skip, votes=ship + skip, community=community
                )
            )
    return sorted(found, key=lambda it: (-abs(it.ship) - abs(it.skip), it.tool))


def _bookmark_moves(tools: list[Listed], moved: Mapping[str, Tally]) -> list[BookmarkMove]:
    """Where bookmarks changed, most first."""
    found = [
        BookmarkMove(
            **_name(tool), change=moved[tool.tool].bookmarks, bookmarks=tool.tally.bookmarks
        )
        for tool in tools
        if moved[tool.tool].bookmarks
    ]
    return sorted(found, key=lambda it: (-abs(it.change), it.tool))


class _Candidate(NamedTuple):
    """A review that may be picked; the least `rank` of a reason is the best."""

    rank: tuple[Any, ...]
    revision: Revision
    before: Choice | None = None
    others: float | None = None


def _picks(tools: Mapping[str, Listed], panels: _Panels) -> list[Pick]:
    """The best few of each reason, no tool twice."""
    standing = [
        one for one in panels.of_week if panels.after.get(one.tool, {}).get(one.reviewer) is one
    ]
    finders: Sequence[tuple[Reason, Callable[[Revision, _Panels], _Candidate | None]]] = (
        ("changed", _changed_sides),
        ("apart", _stands_apart),
        ("first", _spoke_first),
    )
    found: dict[str, Pick] = {}
    for reason, finder in finders:
        candidates = [it for one in standing if (it := finder(one, panels))]
        candidates.sort(key=lambda it: (*it.rank, it.revision.tool, it.revision.reviewer))
        free = _once(it for it in candidates if it.revision.tool not in found)
        for candidate in free[: digests.MOST_PICKS_A_REASON]:
            tool = candidate.revision.tool
            found[tool] = _pick(tools[tool], reason, candidate)
    return list(found.values())


def _once(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    best: dict[str, _Candidate] = {}
    for candidate in candidates:
        best.setdefault(candidate.revision.tool, candidate)
    return list(best.values())


def _changed_sides(one: Revision, panels: _Panels) -> _Candidate | None:
    """Its reviewer said the opposite before the week; the largest leap is the best."""
    former = panels.before.get(one.tool, {}).get(one.reviewer)
    if former is None or former.verdict == one.verdict:
        return None
    leap = abs((one.score or 0) - (former.score or 0))
    return _Candidate((-leap,), one, before=former.verdict)


def _stands_apart(one: Revision, panels: _Panels) -> _Candidate | None:
    """Far from the mean of the others; the farthest is the best."""
    others = [
        other.score or 0
        for reviewer, other in panels.after[one.tool].items()
        if reviewer != one.reviewer
    ]
    if len(others) < digests.APART_OTHERS:
        return None
    distance = abs(Fraction(sum(others), len(others)) - (one.score or 0))
    if distance < digests.APART_POINTS:
        return None
    return _Candidate((-distance,), one, others=mean_of(others))


def _spoke_first(one: Revision, panels: _Panels) -> _Candidate | None:
    """The first review of its tool; the earliest is the best."""
    return _Candidate((one.time,), one) if panels.first[one.tool] is one else None


def _pick(tool: Listed, reason: Reason, candidate: _Candidate) -> Pick:
    one = candidate.revision
    assert one.score is not None
    assert one.verdict is not None
    return Pick(
        **_name(tool),
        reason=reason,
        reviewer=one.reviewer,
        reviewer_name=one.reviewer_name,
        score=one.score,
        verdict=one.verdict,
        body=one.body,
        time=to_datetime(one.time),
        before=candidate.before,
        others=candidate.others,
    )
