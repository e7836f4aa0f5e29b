"""The items of a digest: one line for each piece of news, for any medium."""

from datetime import datetime
from typing import NamedTuple

from publishers.views.paths import tool_path
from publishers.views.text.formatting import ENTRIES, VERDICTS, count, counts, day, initial, mean
from publishers.views.text.markdown import to_plain
from schemas.digests import (
    BookmarkMove,
    CloseCall,
    Flip,
    MergedTool,
    NamedTool,
    NewTool,
    PanelChange,
    PanelVerdict,
    Pick,
    VoteMove,
)
from schemas.records import Choice, Community, Verdict
from schemas.text.isolation import isolate

EXCERPT_LENGTH = 280
_MINUS = "\N{MINUS SIGN}"


class Badge(NamedTuple):
    """A verdict to show as a pill."""

    verdict: Verdict
    label: str


class Item(NamedTuple):
    """One line of a digest.

    Attributes:
        name: The tool's name.
        initial: The first letter of the name, as an avatar.
        path: The page with the details; empty without one, as for a retired tool.
        category: The name of the tool's category.
        voice: Whose verdicts `before` and `after` are: `Panel` or `Community`.
        before: The verdict before the week, if it changed.
        after: The verdict after the week.
        line: The figures in one line.
        text: A tagline, or the beginning of a review.
    """

    name: str
    initial: str
    path: str
    category: str
    voice: str
    before: Badge | None
    after: Badge | None
    line: str
    text: str = ""


def _item(
    tool: NamedTool,
    line: str,
    *,
    voice: str = "Panel",
    before: Verdict | None = None,
    after: Verdict | None = None,
    text: str = "",
    anchor: str = "",
) -> Item:
    return Item(
        name=tool.name,
        initial=initial(tool.name),
        path=tool_path(tool.tool) + anchor,
        category=tool.category.name,
        voice=voice,
        before=Badge(before, VERDICTS[before]) if before else None,
        after=Badge(after, VERDICTS[after]) if after else None,
        line=line,
        text=text,
    )


def remark(tool: NamedTool, line: str) -> Item:
    """A sentence about a tool, without a verdict."""
    return _item(tool, line)


def panel_change(change: PanelChange) -> Item:
    """A new or changed panel verdict."""
    line = f"{counts(change.after.ship, change.after.skip)}{_means(change.before, change.after)}"
    return _item(change, line, before=change.before.verdict, after=change.after.verdict)


def _means(before: PanelVerdict, after: PanelVerdict) -> str:
    if after.mean is None:
        return ""
    previous = f", was {mean(before.mean)}" if before.mean is not None else ""
    return f" · average {mean(after.mean)}{previous}"


def flip(flip: Flip) -> Item:
    """A changed community verdict."""
    line = f"{_counts(flip.after)}, was {_counts(flip.before)}"
    return _item(
        flip, line, voice="Community", before=flip.before.verdict, after=flip.after.verdict
    )


def _counts(community: Community) -> str:
    return counts(community.ship, community.skip)


def new_tool(new: NewTool) -> Item:
    """A tool first listed this week."""
    line = f"{ENTRIES[new.entry]} · listed {_day_of_year(new.listed)}"
    return _item(new, line, after=new.panel.verdict, text=new.tagline)


def merged_tool(merged: MergedTool) -> Item:
    """A tool that has another one's votes and reviews from now on."""
    line = f"takes over from {isolate(merged.merged_name)}"
    return _item(merged, line, text=merged.reason or "")


def _day_of_year(time: datetime) -> str:
    return day(time).rpartition(" ")[0]


def pick(pick: Pick) -> Item:
    """A review with the reason to read it."""
    line = f"{opinion(pick.reviewer_name, pick.score, pick.verdict)} ({_reason(pick)})"
    excerpt = to_plain(pick.body, EXCERPT_LENGTH)
    return _item(pick, line, text=excerpt, anchor=f"#{pick.reviewer}")


def opinion(reviewer: str, score: int, verdict: Choice) -> str:
    """`Founder: 49/100 · skip`."""
    return f"{isolate(reviewer)}: {score}/100 · {verdict}"


def _reason(pick: Pick) -> str:
    if pick.reason == "changed":
        return f"previously {pick.before}"
    if pick.reason == "apart" and pick.others is not None:
        return f"the others average {mean(pick.others)}"
    return "first review"


def close_call(call: CloseCall) -> Item:
    """A tool with an almost even community vote."""
    apart = f"{count(call.margin, 'vote')} apart" if call.margin else "an exact tie"
    line = f"{_counts(call.community)}, {apart}"
    return _item(call, line, voice="Community", after=call.community.verdict)


def vote_move(move: VoteMove) -> Item:
    """A change of a tool's votes."""
    changes = [f"{signed(move.ship)} ship" if move.ship else "",
               f"{signed(move.skip)} skip" if move.skip else ""]  # fmt: skip
    line = f"{', '.join(filter(None, changes))} · now {_counts(move.community)}"
    return _item(move, line, voice="Community", after=move.community.verdict)


def bookmark_move(move: BookmarkMove) -> Item:
    """A change of a tool's bookmarks."""
    return _item(move, f"{signed(move.change)} · now {move.bookmarks:,}")


def signed(number: int) -> str:
    """A change with its sign: `+1,204`, `-3` with a true minus, `0`."""
    return f"{number:+,}".replace("-", _MINUS) if number else "0"
