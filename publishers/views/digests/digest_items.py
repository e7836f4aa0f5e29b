"""The lines of a digest: each kind of news as one item that any medium can show."""

from datetime import datetime
from typing import NamedTuple

from publishers.views.paths import tool_path
from publishers.views.text.formatting import ENTRIES, VERDICTS, count, day, initial, mean
from publishers.views.text.markdown import to_plain
from schemas.digests import (
    BookmarkMove,
    CloseCall,
    Flip,
    NamedTool,
    NewTool,
    PanelChange,
    PanelStanding,
    Pick,
    VoteMove,
)
from schemas.records import Community, Verdict

EXCERPT = 280
_MINUS = "\N{MINUS SIGN}"


class Badge(NamedTuple):
    """A verdict to show as a pill."""

    verdict: Verdict
    label: str


class Item(NamedTuple):
    """One line of a digest.

    Attributes:
        name: The tool's.
        initial: Its first letter, as its avatar.
        path: Where to read on.
        category: The tool's category by name.
        before: The verdict until then, where it changed.
        after: The verdict now.
        line: The figures, in one line.
        text: Words of others: a tagline, or the beginning of a review.
    """

    name: str
    initial: str
    path: str
    category: str
    before: Badge | None
    after: Badge | None
    line: str
    text: str = ""


def _item(
    named: NamedTool,
    line: str,
    *,
    before: Verdict | None = None,
    after: Verdict | None = None,
    text: str = "",
    anchor: str = "",
) -> Item:
    return Item(
        name=named.name,
        initial=initial(named.name),
        path=tool_path(named.tool) + anchor,
        category=named.category.name,
        before=Badge(before, VERDICTS[before]) if before else None,
        after=Badge(after, VERDICTS[after]) if after else None,
        line=line,
        text=text,
    )


def panel_change(one: PanelChange) -> Item:
    """A new or changed verdict of the panel."""
    line = f"{one.after.ship} ship / {one.after.skip} skip{_means(one.before, one.after)}"
    return _item(one, line, before=one.before.verdict, after=one.after.verdict)


def _means(before: PanelStanding, after: PanelStanding) -> str:
    if after.mean is None:
        return ""
    was = f", was {mean(before.mean)}" if before.mean is not None else ""
    return f" · mean {mean(after.mean)}{was}"


def flip(one: Flip) -> Item:
    """A changed verdict of the community."""
    line = f"{_ballots(one.after)}, was {_ballots(one.before)}"
    return _item(one, line, before=one.before.verdict, after=one.after.verdict)


def _ballots(community: Community) -> str:
    return f"{community.ship:,} ship / {community.skip:,} skip"


def new_tool(one: NewTool) -> Item:
    """A tool of the week."""
    line = f"{ENTRIES[one.entry]} · listed {_short(one.listed)}"
    return _item(one, line, after=one.panel.verdict, text=one.tagline)


def _short(moment: datetime) -> str:
    return day(moment).rpartition(" ")[0]


def pick(one: Pick) -> Item:
    """A review, and why it is worth reading."""
    line = f"{one.reviewer_name}: {one.score}/100 · {one.verdict}, {_why(one)}"
    excerpt = to_plain(one.body, EXCERPT)
    return _item(one, line, text=excerpt, anchor=f"#{one.reviewer}")


def _why(one: Pick) -> str:
    if one.reason == "changed":
        return f"after saying {one.before}"
    if one.reason == "apart" and one.others is not None:
        return f"while the others come to {mean(one.others)}"
    return "the first to review it"


def close_call(one: CloseCall) -> Item:
    """A tool that divides the community."""
    apart = f"{count(one.margin, 'vote')} apart" if one.margin else "an exact tie"
    return _item(one, f"{_ballots(one.community)}, {apart}", after=one.community.verdict)


def vote_move(one: VoteMove) -> Item:
    """What votes came and went."""
    moves = [f"{signed(number)} {side}" for number, side in ((one.ship, "ship"), (one.skip, "skip"))
             if number]  # fmt: skip
    line = f"{', '.join(moves)} · now {_ballots(one.community)}"
    return _item(one, line, after=one.community.verdict)


def bookmark_move(one: BookmarkMove) -> Item:
    """What bookmarks came and went."""
    return _item(one, f"{signed(one.change)} · now {one.bookmarks:,}")


def signed(number: int) -> str:
    """A change with its sign: `+1,204`, `-3` with a true minus, `0`."""
    return f"{number:+,}".replace("-", _MINUS) if number else "0"
