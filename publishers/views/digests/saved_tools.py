"""What a week changed for one tool: the section of a mail on the tools that its reader saved."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from publishers.views.digests import digest_items
from publishers.views.digests.digest_items import Item
from publishers.views.paths import tool_path
from schemas.digests import NamedTool, VoteMove, WeeklyDigest
from schemas.records import Community, Review, Tool
from schemas.text.isolation import isolate

MAX_TOOLS = 10


class ToolNews(NamedTuple):
    """What changed for a tool.

    Attributes:
        name: The tool's name.
        path: Its page; empty for a retired tool.
        category: The name of its category.
        items: The news, most important first; never empty.
        rank: The kind of its first item; a smaller number matters more.
    """

    name: str
    path: str
    category: str
    items: list[Item]
    rank: int


class SavedTools(NamedTuple):
    """A part of the section: its heading, some tools, or the number of those left out."""

    heading: str = ""
    tools: Sequence[ToolNews] = ()
    left: int = 0


def tool_news(digest: WeeklyDigest, tool: Tool, move: VoteMove) -> ToolNews | None:
    """What a digest's time changed for a tool; None for nothing.

    Args:
        digest: For all categories; of a week or a month.
        tool: The tool now.
        move: How its votes changed in that time; all zero where they did not.
    """
    ranked = sorted(_ranked_items(digest, tool, move), key=lambda pair: pair[0])
    if not ranked:
        return None
    path = "" if tool.retired else tool_path(tool.tool)
    items = [item for _, item in ranked]
    return ToolNews(tool.name, path, tool.category.name, items, ranked[0][0])


def vote_move(tool: Tool, ship: int, skip: int, community: Community) -> VoteMove:
    """The change of a tool's votes, and its votes after it."""
    return VoteMove(tool.tool, tool.name, tool.category, ship, skip, ship + skip, community)


def _ranked_items(digest: WeeklyDigest, tool: Tool, move: VoteMove) -> Iterator[tuple[int, Item]]:
    if tool.retired and _within(digest, tool.retired):
        reason = f"Retired: {tool.retired_reason}" if tool.retired_reason else "Retired."
        yield 0, digest_items.remark(_named(tool), reason)
    for merge in digest.merges:
        if merge.tool == tool.tool:
            line = f"{isolate(merge.merged_name)} is another name of it now."
            yield 0, digest_items.remark(merge, line)
    for change in digest.panel_changes:
        if change.tool == tool.tool:
            yield 1, digest_items.panel_change(change)
    flips = [flip for flip in digest.flips if flip.tool == tool.tool]
    yield from ((2, digest_items.flip(flip)) for flip in flips)
    for review in tool.panel.reviews:
        if _within(digest, review.time):
            yield 3, _review(tool, review)
    if (move.ship or move.skip) and not flips:
        yield 4, digest_items.vote_move(move)


def _named(tool: Tool) -> NamedTool:
    return NamedTool(tool.tool, tool.name, tool.category)


def _within(digest: WeeklyDigest, time: datetime) -> bool:
    return digest.start <= time < digest.end


def _review(tool: Tool, review: Review) -> Item:
    line = digest_items.opinion(review.name, review.score, review.verdict)
    return digest_items.remark(_named(tool), line)
