"""The sections of a digest, in the order of their news value."""

from collections.abc import Sequence
from typing import NamedTuple

from publishers.views.digests import digest_items as items
from publishers.views.digests.digest_items import Item
from publishers.views.digests.week_titles import title
from schemas import digests
from schemas.digests import NamedTool, WeeklyDigest


class Section(NamedTuple):
    """One kind of news; `note` states its rule, `more` counts the items left out."""

    key: str
    title: str
    note: str
    items: list[Item]
    more: str = ""


def sections(digest: WeeklyDigest) -> list[Section]:
    """The sections that hold items."""
    every = (_panel, _flips, _new_tools, _reviews, _close_calls, _votes, _bookmarks)
    return [section for make in every if (section := make(digest)).items]


def _panel(digest: WeeklyDigest) -> Section:
    return Section(
        "panel",
        "Panel verdicts",
        "New and changed verdicts, from before the week to after it.",
        list(map(items.panel_change, digest.panel_changes)),
        _more(digest.counts.panel_changes, digest.panel_changes),
    )


def _flips(digest: WeeklyDigest) -> Section:
    return Section(
        "flips",
        "The community changed its mind",
        f"Tools whose voters said something else at {_since(digest)}."
        if digest.since
        else "Tools whose voters said something else before.",
        list(map(items.flip, digest.flips)),
        _more(digest.counts.flips, digest.flips),
    )


def _new_tools(digest: WeeklyDigest) -> Section:
    return Section(
        "new",
        "New tools",
        "First listed this week, with what the panel says so far.",
        list(map(items.new_tool, digest.new_tools)),
        _more(digest.counts.new_tools, digest.new_tools),
    )


def _reviews(digest: WeeklyDigest) -> Section:
    return Section(
        "reviews",
        "Reviews worth reading",
        "Reviewers who changed sides, who stand at least "
        f"{digests.APART_POINTS} points from the mean of the others, or who spoke first.",
        list(map(items.pick, digest.reviews)),
    )


def _close_calls(digest: WeeklyDigest) -> Section:
    return Section(
        "close",
        "Close calls",
        f"At least {digests.CLOSE_CALL_VOTES} votes, and no more than "
        f"{digests.CLOSE_CALL_PERCENT} in a hundred between ship and skip.",
        list(map(items.close_call, digest.close_calls)),
        _more(digest.counts.close_calls, digest.close_calls),
    )


def _votes(digest: WeeklyDigest) -> Section:
    return Section(
        "votes",
        "Most moved by votes",
        f"Ships and skips that came or went since {_since(digest)}.",
        list(map(items.vote_move, digest.votes)),
    )


def _bookmarks(digest: WeeklyDigest) -> Section:
    return Section(
        "bookmarks",
        "Most moved by bookmarks",
        f"Bookmarks that came or went since {_since(digest)}.",
        list(map(items.bookmark_move, digest.bookmarks)),
    )


def _since(digest: WeeklyDigest) -> str:
    return f"the digest of {title(digest.since).lower()}" if digest.since else "the beginning"


def _more(total: int, shown: Sequence[NamedTool]) -> str:
    left = total - len(shown)
    return f"and {left:,} more" if left > 0 else ""
