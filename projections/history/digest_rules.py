"""What stands in a week's digest: one pure function of what is known of tools, reviews and tallies.

Everything is ordered by the data alone, so the same projections give the same digest anywhere.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from projections.history.digest_inputs import (
    Listed,
    PanelBeforeAfter,
    PreviousTallies,
    Revision,
    TallyNow,
    named,
    panel_standing,
)
from projections.history.digest_picks import picks
from schemas import digests
from schemas.digests import (
    BookmarkMove,
    CloseCall,
    Counts,
    Flip,
    NewTool,
    PanelChange,
    VoteMove,
    WeeklyDigest,
)
from schemas.records import Community
from schemas.time import weeks
from schemas.time.instants import to_datetime


def digest_of(
    week: str, tools: Iterable[Listed], revisions: Iterable[Revision], past: PreviousTallies
) -> WeeklyDigest | None:
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
    panels = PanelBeforeAfter(start, end, {tool.tool for tool in there}, revisions)
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
    return WeeklyDigest(
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
        reviews=picks({tool.tool: tool for tool in there}, panels),
    )


def _community(tally: TallyNow) -> Community:
    return Community.of(tally.ship, tally.skip)


def _new_tools(tools: list[Listed], panels: PanelBeforeAfter, start: int) -> list[NewTool]:
    """First listed this week, in the order of their listing."""
    new = sorted(
        (tool for tool in tools if tool.listed >= start), key=lambda it: (it.listed, it.tool)
    )
    return [
        NewTool(
            **named(tool),
            tagline=tool.tagline,
            entry=tool.entry,
            listed=to_datetime(tool.listed),
            panel=panel_standing(panels.after.get(tool.tool, {})),
            community=_community(tool.tally),
        )
        for tool in new
    ]


def _panel_changes(tools: list[Listed], panels: PanelBeforeAfter, start: int) -> list[PanelChange]:
    """Verdicts that turned first, then new ones, then those that went; each by slug."""
    found = []
    for tool in tools:
        # Reviews may be there before their tool is listed, and show only from then on.
        former = panels.before.get(tool.tool, {}) if tool.listed < start else {}
        before, after = panel_standing(former), panel_standing(panels.after.get(tool.tool, {}))
        if before.verdict != after.verdict:
            found.append(PanelChange(**named(tool), before=before, after=after))
    return sorted(found, key=lambda it: (_nearness(it), it.tool))


def _nearness(change: PanelChange) -> int:
    if change.before.verdict == "none":
        return 1
    return 2 if change.after.verdict == "none" else 0


def _flips(tools: list[Listed], past: PreviousTallies) -> list[Flip]:
    """Changed verdicts of communities that had one, the most voted first."""
    found = []
    for tool in tools:
        before, after = _community(past.of(tool.tool)), _community(tool.tally)
        if before.verdict != after.verdict and before.votes and after.votes:
            found.append(Flip(**named(tool), before=before, after=after))
    return sorted(found, key=lambda it: (-it.after.votes, it.tool))


def _close_calls(tools: list[Listed]) -> list[CloseCall]:
    """Enough votes, and next to nothing between ship and skip; the closest first."""
    found = []
    for tool in tools:
        community = _community(tool.tally)
        margin = abs(community.ship - community.skip)
        enough = community.votes >= digests.CLOSE_CALL_VOTES
        if enough and 100 * margin <= digests.CLOSE_CALL_PERCENT * community.votes:
            found.append(CloseCall(**named(tool), community=community, margin=margin))

    def closeness(call: CloseCall) -> tuple[Fraction, int, str]:
        return Fraction(call.margin, call.community.votes), -call.community.votes, call.tool

    return sorted(found, key=closeness)


def _vote_moves(tools: list[Listed], moved: Mapping[str, TallyNow]) -> list[VoteMove]:
    """Where ships and skips changed, most first."""
    found = []
    for tool in tools:
        ship, skip, _ = moved[tool.tool]
        if ship or skip:
            community = _community(tool.tally)
            found.append(
                VoteMove(
                    **named(tool), ship=ship, skip=skip, votes=ship + skip, community=community
                )
            )
    return sorted(found, key=lambda it: (-abs(it.ship) - abs(it.skip), it.tool))


def _bookmark_moves(tools: list[Listed], moved: Mapping[str, TallyNow]) -> list[BookmarkMove]:
    """Where bookmarks changed, most first."""
    found = [
        BookmarkMove(
            **named(tool), change=moved[tool.tool].bookmarks, bookmarks=tool.tally.bookmarks
        )
        for tool in tools
        if moved[tool.tool].bookmarks
    ]
    return sorted(found, key=lambda it: (-abs(it.change), it.tool))
