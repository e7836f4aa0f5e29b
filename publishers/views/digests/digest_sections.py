"""The sections of a digest, in the order of their news value."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from publishers.views.digests import digest_items as items
from publishers.views.digests.digest_items import Item
from publishers.views.digests.week_titles import in_sentence
from schemas import digests
from schemas.digests import WeeklyDigest
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
    return [section for section in _every_section(digest) if section.items]


def _every_section(digest: WeeklyDigest) -> Iterator[Section]:
    counts = digest.counts
    yield _section(
        "panel",
        "Panel verdicts",
        "New and changed panel verdicts this week.",
        map(items.panel_change, digest.panel_changes),
        counts.panel_changes,
    )
    yield _section(
        "flips",
        "The community changed its mind",
        f"Community verdicts that differ from {_previous_digest(digest)}."
        if digest.since
        else "Community verdicts that changed.",
        map(items.flip, digest.flips),
        counts.flips,
    )
    yield _section(
        "new",
        "New tools",
        "First listed this week, with the panel verdict so far.",
        map(items.new_tool, digest.new_tools),
        counts.new_tools,
    )
    yield _section(
        "merges",
        "Renamed and merged",
        "Votes, bookmarks and reviews of both names count together, once per person.",
        map(items.merged_tool, digest.merges),
    )
    yield _section(
        "reviews",
        "Reviews worth reading",
        "Reversals, first reviews, and scores at least "
        f"{digests.APART_POINTS} points from the rest of the panel.",
        map(items.pick, digest.reviews),
    )
    yield _section(
        "close",
        "Close calls",
        f"At least {digests.CLOSE_CALL_VOTES} votes, with ship and skip within "
        f"{digests.CLOSE_CALL_PERCENT} points.",
        map(items.close_call, digest.close_calls),
        counts.close_calls,
    )
    since = f"Since {_previous_digest(digest)}." if digest.since else "Since the first vote."
    yield _section("votes", "Biggest vote changes", since, map(items.vote_move, digest.votes))
    yield _section(
        "bookmarks", "Biggest bookmark changes", since, map(items.bookmark_move, digest.bookmarks)
    )


def _section(key: str, title: str, note: str, shown: Iterable[Item], total: int = 0) -> Section:
    """A section that shows these items, of so many in all."""
    lines = list(shown)
    return Section(key, title, note, lines, max(0, total - len(lines)))


def _previous_digest(digest: WeeklyDigest) -> str:
    """`last week's digest`, or which one where quiet weeks had none."""
    if digest.since and weeks.following(digest.since) == digest.week:
        return "last week's digest"
    return f"the digest of {in_sentence(digest.since or '', digest.week)}"
