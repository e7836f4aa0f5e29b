"""A week's digest: the same view for its page, its feed entry and its mail."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from publishers.views.digests import headline
from publishers.views.digests.digest_items import signed
from publishers.views.digests.digest_sections import Section, sections
from publishers.views.digests.week_titles import dates, in_sentence, title
from publishers.views.paths import digest_path
from publishers.views.text.formatting import count, plural
from schemas.digests import Counts, WeeklyDigest


class Figure(NamedTuple):
    """A number of the week with its meaning."""

    number: str
    label: str


class DigestLink(NamedTuple):
    """Another digest."""

    path: str
    title: str


class DigestPage(NamedTuple):
    """All that a digest shows in any medium."""

    week: str
    path: str
    title: str
    dates: str
    running: bool
    summary: str
    figures: list[Figure]
    sections: list[Section]
    earlier: DigestLink | None
    later: DigestLink | None
    shortened: bool = False

    def unlink(self, paths: Collection[str]) -> "DigestPage":
        """The digest without links to these pages."""
        return self._replace(sections=[section.unlink(paths) for section in self.sections])

    def shorten(self, limit: int) -> "DigestPage":
        """The digest with at most `limit` items in a section."""
        cut = any(len(section.items) > limit for section in self.sections)
        shorter = [section.shorten(limit) for section in self.sections]
        return self._replace(sections=shorter, shortened=cut)


class DigestListing(NamedTuple):
    """A digest in the list of all digests."""

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
        dates=dates(digest.start, digest.end),
        running=not digest.frozen,
        summary=summary(digest),
        figures=figures(digest.counts),
        sections=sections(digest),
        earlier=_link(max((week for week in weeks if week < digest.week), default=None)),
        later=_link(min((week for week in weeks if week > digest.week), default=None)),
    )


def digest_list(digests: Sequence[WeeklyDigest]) -> list[DigestListing]:
    """The list of all digests, newest first."""
    newest_first = sorted(digests, key=lambda digest: digest.week, reverse=True)
    return [
        DigestListing(
            path=digest_path(digest.week),
            title=title(digest.week),
            dates=dates(digest.start, digest.end),
            running=not digest.frozen,
            summary=summary(digest),
        )
        for digest in newest_first
    ]


def summary(digest: WeeklyDigest) -> str:
    """The week in two sentences: the news by name, then the counts."""
    return " ".join(filter(None, (headline.sentence(digest), _counts(digest))))


def subject(digest: WeeklyDigest) -> str:
    """The week's number and its news: the subject of a mail, the title of a feed entry."""
    week = in_sentence(digest.week).capitalize()
    return f"{week}: {headline.subject(digest) or _counts(digest).rstrip('.')}"


def _counts(digest: WeeklyDigest) -> str:
    counts = digest.counts
    numbered = [
        (counts.panel_changes, count(counts.panel_changes, "new or changed panel verdict")),
        (counts.flips, count(counts.flips, "community flip")),
        (counts.new_tools, count(counts.new_tools, "new tool")),
        (counts.reviews, count(counts.reviews, "review")),
        (counts.votes, _change(counts.votes, "vote")),
    ]
    texts = [text for number, text in numbered if number]
    if not texts:
        return "A quiet week with only small changes."
    *first, last = texts
    sentence = f"{', '.join(first)} and {last}" if first else last
    return f"{sentence}{'' if digest.frozen else ' so far'}."


def figures(counts: Counts) -> list[Figure]:
    """The week in numbers."""
    return [
        Figure(f"{counts.reviews:,}", plural(counts.reviews, "panel review")),
        Figure(signed(counts.votes), plural(counts.votes, "community vote")),
        Figure(signed(counts.bookmarks), plural(counts.bookmarks, "bookmark")),
    ]


def _link(week: str | None) -> DigestLink | None:
    return DigestLink(digest_path(week), title(week)) if week else None


def _change(number: int, noun: str) -> str:
    return count(abs(number), f"{'more' if number > 0 else 'fewer'} {noun}")
