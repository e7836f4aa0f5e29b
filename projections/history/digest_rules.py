"""The rules of a week's digest: a pure function of tools, reviews and tallies.

The data alone decide every order, so the same projections give the same digest anywhere.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from projections.history.digest_inputs import (
    ListedTool,
    PanelBeforeAfter,
    PreviousTallies,
    Revision,
    TallyCounts,
    panel_verdict,
    tool_fields,
)
from projections.history.digest_picks import pick_reviews
from schemas import digests
from schemas.digests import (
    BookmarkMove,
    CloseCall,
    Counts,
    Flip,
    MergedTool,
    NewTool,
    PanelChange,
    VoteMove,
    WeeklyDigest,
)
from schemas.history import Merge
from schemas.records import Community
from schemas.time import weeks
from schemas.time.instants import to_datetime


def make_digest(
    week: str,
    tools: Iterable[ListedTool],
    revisions: Iterable[Revision],
    previous: PreviousTallies,
    merges: Iterable[Merge] = (),
) -> WeeklyDigest | None:
    """Make the digest of a week; None for a quiet week.

    Args:
        week: Such as `2026-W47`.
        tools: The tools on the site, by slug.
        revisions: All revisions before the week's end of the tools that are new or reviewed in it,
            or whose reviewers left in it, oldest first.
        previous: The tallies with which the community's counts are compared.
        merges: The merges of the week.
    """
    start, end = weeks.span(week)
    listed = [tool for tool in tools if tool.listed < end]
    panels = PanelBeforeAfter(start, end, {tool.tool for tool in listed}, revisions)
    moved = {tool.tool: tool.tally.since(previous.of(tool.tool)) for tool in listed}
    new_tools = _new_tools(listed, panels, start)
    changes = _panel_changes(listed, panels, start)
    flips = _flips(listed, previous)
    close = _close_calls(listed)
    merged = _merged_tools(listed, merges)
    counts = Counts(
        tools=len(listed),
        new_tools=len(new_tools),
        panel_changes=len(changes),
        flips=len(flips),
        close_calls=len(close),
        reviews=panels.submissions,
        retractions=panels.retractions,
        votes=sum(change.ship + change.skip for change in moved.values()),
        bookmarks=sum(change.bookmarks for change in moved.values()),
    )
    edited = new_tools or panels.submissions or panels.retractions or panels.departures or merged
    if not edited and not any(map(any, moved.values())):
        return None
    return WeeklyDigest(
        week=week,
        start=to_datetime(start),
        end=to_datetime(end),
        frozen=False,
        since=previous.week,
        counts=counts,
        new_tools=new_tools[: digests.MOST_ITEMS],
        panel_changes=changes[: digests.MOST_ITEMS],
        flips=flips[: digests.MOST_ITEMS],
        close_calls=close[: digests.MOST_CLOSE_CALLS],
        votes=_vote_moves(listed, moved)[: digests.MOST_MOVERS],
        bookmarks=_bookmark_moves(listed, moved)[: digests.MOST_MOVERS],
        reviews=pick_reviews({tool.tool: tool for tool in listed}, panels),
        merges=merged[: digests.MOST_ITEMS],
    )


def _community(tally: TallyCounts) -> Community:
    return Community.of(tally.ship, tally.skip)


def _new_tools(tools: list[ListedTool], panels: PanelBeforeAfter, start: int) -> list[NewTool]:
    """List the tools of the week in the order of their first listings."""
    new = sorted(
        (tool for tool in tools if tool.listed >= start), key=lambda tool: (tool.listed, tool.tool)
    )
    return [
        NewTool(
            **tool_fields(tool),
            tagline=tool.tagline,
            entry=tool.entry,
            listed=to_datetime(tool.listed),
            panel=panel_verdict(panels.after.get(tool.tool, {})),
            community=_community(tool.tally),
        )
        for tool in new
    ]


def _merged_tools(tools: list[ListedTool], merges: Iterable[Merge]) -> list[MergedTool]:
    """List the merges into tools on the site, oldest first."""
    by_slug = {tool.tool: tool for tool in tools}
    return [
        MergedTool(
            **tool_fields(by_slug[merge.tool]),
            merged=merge.merged,
            merged_name=merge.merged_name,
            reason=merge.reason,
            time=merge.time,
        )
        for merge in merges
        if merge.tool in by_slug
    ]


def _panel_changes(
    tools: list[ListedTool], panels: PanelBeforeAfter, start: int
) -> list[PanelChange]:
    """List flipped verdicts, then new ones, then ended ones, each by slug."""
    changes = []
    for tool in tools:
        # Reviews may precede their tool's listing, and count from the listing on.
        former = panels.before.get(tool.tool, {}) if tool.listed < start else {}
        before, after = panel_verdict(former), panel_verdict(panels.after.get(tool.tool, {}))
        if before.verdict != after.verdict:
            changes.append(PanelChange(**tool_fields(tool), before=before, after=after))
    return sorted(changes, key=lambda change: (_change_rank(change), change.tool))


def _change_rank(change: PanelChange) -> int:
    if change.before.verdict == "none":
        return 1
    return 2 if change.after.verdict == "none" else 0


def _flips(tools: list[ListedTool], previous: PreviousTallies) -> list[Flip]:
    """List the tools whose community changed its verdict, most votes first."""
    flips = []
    for tool in tools:
        before, after = _community(previous.of(tool.tool)), _community(tool.tally)
        if before.verdict != after.verdict and before.votes and after.votes:
            flips.append(Flip(**tool_fields(tool), before=before, after=after))
    return sorted(flips, key=lambda flip: (-flip.after.votes, flip.tool))


def _close_calls(tools: list[ListedTool]) -> list[CloseCall]:
    """List the tools with enough votes and nearly as many ships as skips, closest first."""
    calls = []
    for tool in tools:
        community = _community(tool.tally)
        margin = abs(community.ship - community.skip)
        enough = community.votes >= digests.CLOSE_CALL_VOTES
        if enough and 100 * margin <= digests.CLOSE_CALL_PERCENT * community.votes:
            calls.append(CloseCall(**tool_fields(tool), community=community, margin=margin))

    def closeness(call: CloseCall) -> tuple[Fraction, int, str]:
        return Fraction(call.margin, call.community.votes), -call.community.votes, call.tool

    return sorted(calls, key=closeness)


def _vote_moves(tools: list[ListedTool], moved: Mapping[str, TallyCounts]) -> list[VoteMove]:
    """List the tools whose ships or skips changed, largest change first."""
    moves = []
    for tool in tools:
        ship, skip, _ = moved[tool.tool]
        if ship or skip:
            community = _community(tool.tally)
            moves.append(
                VoteMove(
                    **tool_fields(tool),
                    ship=ship,
                    skip=skip,
                    votes=ship + skip,
                    community=community,
                )
            )
    return sorted(moves, key=lambda move: (-abs(move.ship) - abs(move.skip), move.tool))


def _bookmark_moves(
    tools: list[ListedTool], moved: Mapping[str, TallyCounts]
) -> list[BookmarkMove]:
    """List the tools whose bookmarks changed, largest change first."""
    moves = [
        BookmarkMove(
            **tool_fields(tool), change=moved[tool.tool].bookmarks, bookmarks=tool.tally.bookmarks
        )
        for tool in tools
        if moved[tool.tool].bookmarks
    ]
    return sorted(moves, key=lambda move: (-abs(move.change), move.tool))
