"""The sections of a digest, in the order of their news value."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from publishers.views.digests import digest_items as items
from publishers.views.digests.digest_items import Item
from publishers.views.digests.week_titles import in_sentence
from schemas import digests
from schemas.digests import NamedTool, WeeklyDigest
from schemas.time import weeks


class Section(NamedTuple):
    """One kind of news; `note` states its rule, `left` counts the items left out."""

    key: str
    title: str
    note: str
    items: list[Item]
    left: int = 0

    @property
    def more(self) -> str:
        """The number of items left out, in words; empty without any."""
        return f"and {self.left:,} more" if self.left else ""

    def unlink(self, paths: Collection[str]) -> "Section":
        """The section without links to these pages."""
        return self._replace(
            items=[
                item._replace(path="") if item.path.partition("#")[0] in paths else item
                for item in self.items
            ]
        )

    def shorten(self, limit: int) -> "Section":
        """The section with at most `limit` items."""
        cut = max(0, len(self.items) - limit)
        return self._replace(items=self.items[:limit], left=self.left + cut)


def sections(digest: WeeklyDigest) -> list[Section]:
    """The sections that hold items."""
    every = (_panel, _flips, _new_tools, _merges, _reviews, _close_calls, _votes, _bookmarks)
    return [section for make in every if (section := make(digest)).items]


def _panel(digest: WeeklyDigest) -> Section:
    return Section(
        "panel",
        "Panel verdicts",
        "New and changed panel verdicts this week.",
        list(map(items.panel_change, digest.panel_changes)),
        _left(digest.counts.panel_changes, digest.panel_changes),
    )


def _flips(digest: WeeklyDigest) -> Section:
    return Section(
        "flips",
        "The community changed its mind",
        f"Community verdicts that differ from {_previous_digest(digest)}."
        if digest.since
        else "Community verdicts that changed.",
        list(map(items.flip, digest.flips)),
        _left(digest.counts.flips, digest.flips),
    )


def _new_tools(digest: WeeklyDigest) -> Section:
    return Section(
        "new",
        "New tools",
        "First listed this week, with the panel verdict so far.",
        list(map(items.new_tool, digest.new_tools)),
        _left(digest.counts.new_tools, digest.new_tools),
    )


def _merges(digest: WeeklyDigest) -> Section:
    return Section(
        "merges",
        "Renamed and merged",
        "Votes, bookmarks and reviews of both names count together, once per person.",
        list(map(items.merged_tool, digest.merges)),
    )


def _reviews(digest: WeeklyDigest) -> Section:
    return Section(
        "reviews",
        "Reviews worth reading",
        "Reversals, first reviews, and scores at least "
        f"{digests.APART_POINTS} points from the rest of the panel.",
        list(map(items.pick, digest.reviews)),
    )


def _close_calls(digest: WeeklyDigest) -> Section:
    return Section(
        "close",
        "Close calls",
        f"At least {digests.CLOSE_CALL_VOTES} votes, with ship and skip within "
        f"{digests.CLOSE_CALL_PERCENT} points.",
        list(map(items.close_call, digest.close_calls)),
        _left(digest.counts.close_calls, digest.close_calls),
    )


def _votes(digest: WeeklyDigest) -> Section:
    return Section(
        "votes",
        "Biggest vote changes",
        _since(digest),
        list(map(items.vote_move, digest.votes)),
    )


def _bookmarks(digest: WeeklyDigest) -> Section:
    return Section(
        "bookmarks",
        "Biggest bookmark changes",
        _since(digest),
        list(map(items.bookmark_move, digest.bookmarks)),
    )


def _since(digest: WeeklyDigest) -> str:
    return f"Since {_previous_digest(digest)}." if digest.since else "Since the first vote."


def _previous_digest(digest: WeeklyDigest) -> str:
    """`last week's digest`, or which one where quiet weeks had none."""
    if digest.since and weeks.following(digest.since) == digest.week:
        return "last week's digest"
    return f"the digest of {in_sentence(digest.since or '', digest.week)}"


def _left(total: int, shown: Sequence[NamedTool]) -> int:
    return max(0, total - len(shown))
