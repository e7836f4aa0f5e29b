"""A week's digest as people read it: on its page, in the feed and in mail, from the same data."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from publishers.views.digests import digest_items as items
from publishers.views.digests.digest_items import Item
from publishers.views.paths import digest_path
from publishers.views.text.formatting import count, day
from schemas import digests
from schemas.digests import Counts, NamedTool, WeeklyDigest


class Section(NamedTuple):
    """What happened of one kind; `note` says by which rule it stands here, `more` what is left."""

    key: str
    title: str
    note: str
    items: list[Item]
    more: str = ""


class Figure(NamedTuple):
    """A number of the week with its meaning."""

    number: str
    label: str


class Link(NamedTuple):
    """Another digest."""

    path: str
    title: str


class DigestPage(NamedTuple):
    """All that a digest shows, wherever it is shown."""

    week: str
    path: str
    title: str
    dates: str
    running: bool
    summary: str
    figures: list[Figure]
    sections: list[Section]
    earlier: Link | None
    later: Link | None


class DigestListing(NamedTuple):
    """A digest as the list of all digests shows it."""

    week: str
    path: str
    title: str
    dates: str
    running: bool
    summary: str


def digest_page(digest: WeeklyDigest, weeks: Sequence[str] = ()) -> DigestPage:
    """The view of one digest among all weeks that have one."""
    return DigestPage(
        week=digest.week,
        path=digest_path(digest.week),
        title=title(digest.week),
        dates=dates(digest),
        running=not digest.frozen,
        summary=summary(digest),
        figures=figures(digest.counts),
        sections=[section for section in sections(digest) if section.items],
        earlier=_link(max((week for week in weeks if week < digest.week), default=None)),
        later=_link(min((week for week in weeks if week > digest.week), default=None)),
    )


def digest_list(all_digests: Sequence[WeeklyDigest]) -> list[DigestListing]:
    """The list of all digests, newest first."""
    return [
        DigestListing(
            one.week,
            digest_path(one.week),
            title(one.week),
            dates(one),
            not one.frozen,
            summary(one),
        )
        for one in sorted(all_digests, key=lambda one: one.week, reverse=True)
    ]


def title(week: str) -> str:
    """`Week 47 of 2026`."""
    year, number = week.split("-W")
    return f"Week {int(number)} of {int(year)}"


def dates(digest: WeeklyDigest) -> str:
    """`16 November 2026 to 22 November 2026`, without what both ends share."""
    first, last = day(digest.start), day(digest.end - timedelta(days=1))
    first_words, last_words = first.split(), last.split()
    while first_words and first_words[-1] == last_words[len(first_words) - 1]:
        first_words.pop()
    return f"{' '.join(first_words)} to {last}"


def summary(digest: WeeklyDigest) -> str:
    """The week in one sentence: what is news in it, most newsworthy first."""
    counts = digest.counts
    told = [
        (counts.panel_changes, count(counts.panel_changes, "new or changed panel verdict")),
        (counts.flips, count(counts.flips, "flip") + " by the community"),
        (counts.new_tools, count(counts.new_tools, "new tool")),
        (counts.reviews, count(counts.reviews, "review")),
        (counts.votes, _more(counts.votes, "vote")),
    ]
    said = [text for number, text in told if number]
    if not said:
        return "A quiet week: nothing but small moves."
    *first, last = said
    sentence = f"{', '.join(first)} and {last}" if first else last
    return f"{sentence}{'' if digest.frozen else ' so far'}."


def figures(counts: Counts) -> list[Figure]:
    """The week in numbers."""
    return [
        Figure(f"{counts.reviews:,}", "review by the panel" if counts.reviews == 1
               else "reviews by the panel"),
        Figure(items.signed(counts.votes), "votes by the community"),
        Figure(items.signed(counts.bookmarks), "bookmarks"),
    ]  # fmt: skip


def sections(digest: WeeklyDigest) -> list[Section]:
    """Everything in the order in which it is worth knowing, empty sections included."""
    counts = digest.counts
    since = f"the digest of {title(digest.since).lower()}" if digest.since else "the beginning"
    return [
        Section(
            "panel",
            "Panel verdicts",
            "New and changed verdicts, from before the week to after it.",
            [items.panel_change(one) for one in digest.panel_changes],
            _rest(counts.panel_changes, digest.panel_changes),
        ),
        Section(
            "flips",
            "The community changed its mind",
            f"Tools whose voters said something else at {since}."
            if digest.since
            else "Tools whose voters said something else before.",
            [items.flip(one) for one in digest.flips],
            _rest(counts.flips, digest.flips),
        ),
        Section(
            "new",
            "New tools",
            "First listed this week, with what the panel says so far.",
            [items.new_tool(one) for one in digest.new_tools],
            _rest(counts.new_tools, digest.new_tools),
        ),
        Section(
            "reviews",
            "Reviews worth reading",
            "Reviewers who changed sides, who stand at least "
            f"{digests.APART_POINTS} points from the mean of the others, or who spoke first.",
            [items.pick(one) for one in digest.reviews],
        ),
        Section(
            "close",
            "Close calls",
            f"At least {digests.CLOSE_CALL_VOTES} votes, and no more than "
            f"{digests.CLOSE_CALL_PERCENT} in a hundred between ship and skip.",
            [items.close_call(one) for one in digest.close_calls],
            _rest(counts.close_calls, digest.close_calls),
        ),
        Section(
            "votes",
            "Most moved by votes",
            f"Ships and skips that came or went since {since}.",
            [items.vote_move(one) for one in digest.votes],
        ),
        Section(
            "bookmarks",
            "Most moved by bookmarks",
            f"Bookmarks that came or went since {since}.",
            [items.bookmark_move(one) for one in digest.bookmarks],
        ),
    ]


def _link(week: str | None) -> Link | None:
    return Link(digest_path(week), title(week)) if week else None


def _more(number: int, noun: str) -> str:
    return count(abs(number), f"{'more' if number > 0 else 'fewer'} {noun}")


def _rest(number: int, shown: Sequence[NamedTool]) -> str:
    left = number - len(shown)
    return f"and {left:,} more" if left > 0 else ""
