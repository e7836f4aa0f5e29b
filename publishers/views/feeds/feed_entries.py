"""Entries of the Atom feeds about tools and reviews, and the newest of them as one feed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from publishers.views.digests.digest_sections import Section
from publishers.views.last_modified import Dates, LastModified
from publishers.views.paths import tool_path
from publishers.views.text.formatting import ENTRIES, instant
from publishers.views.text.markdown import to_html
from schemas.history import Merge
from schemas.records import Review, Tool
from schemas.text.isolation import isolate
from schemas.text.web_address import is_web_address
from schemas.time.instants import EPOCH

MAX_ENTRIES = 50
PUBLISHER = ""
"""The author of entries that are the site's own; a feed puts the site's name there."""


class FeedEntry(NamedTuple):
    """One entry.

    Attributes:
        path: Its permanent id, and its page where it is `linked` and has no other `page`.
        title: One line.
        author: A reviewer, or the site itself.
        dates: When it was published, and when it last changed.
        lead: The first paragraph of its content.
        body: The text after it.
        pros: What a review praises.
        cons: What a review criticizes.
        facts: Labels with their texts.
        sections: The news of a digest.
        linked: False for an entry about a retired tool: its page answers 410.
        demo: Whether its content is invented.
        page: Where the id is no page, as of a tool that became another name.
    """

    path: str
    title: str
    author: str
    dates: Dates
    lead: str = ""
    body: Markup = Markup()
    pros: Sequence[str] = ()
    cons: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = ()
    linked: bool = True
    demo: bool = False
    page: str = ""

    @property
    def published(self) -> str:
        """The time of the first version, as Atom spells it."""
        return instant(self.dates.published)

    @property
    def updated(self) -> str:
        """The time of the last change, as Atom spells it."""
        return instant(self.dates.updated)


class Feed(NamedTuple):
    """A feed, newest entry first; `page` is the path of its page."""

    title: str
    path: str
    page: str
    updated: str
    entries: list[FeedEntry]


def feed(
    title: str, path: str, page: str, updated: datetime | None, entries: Iterable[FeedEntry]
) -> Feed:
    """A feed of the newest of these entries.

    `updated` covers entries that left the feed, so that it never goes back.
    """
    by_path = sorted(entries, key=lambda entry: entry.path)
    newest = sorted(by_path, key=lambda entry: entry.dates.updated, reverse=True)[:MAX_ENTRIES]
    times = [*filter(None, [updated]), *(entry.dates.updated for entry in newest[:1])]
    # An empty feed gets a fixed time: the clock's would change its bytes.
    return Feed(title, path, page, instant(max(times, default=EPOCH)), newest)


def entries_of(tools: Iterable[Tool], last_modified: LastModified) -> list[FeedEntry]:
    """Entries for the listings, retirements and current reviews of these tools."""
    return [entry for tool in tools for entry in _entries(tool, last_modified)]


def _entries(tool: Tool, last_modified: LastModified) -> Iterable[FeedEntry]:
    if tool.retired is not None:
        yield _retirement(tool, tool.retired)
        return
    yield _listing(tool, last_modified.of_listing(tool))
    for review in tool.panel.reviews:
        yield _review(tool, review, last_modified.of_review(tool, review))


def merge_entry(merge: Merge, tool: Tool) -> FeedEntry:
    """The entry about a tool that became another name of this one."""
    name = isolate(tool.name)
    return FeedEntry(
        path=f"{tool_path(merge.merged)}#merged",
        title=f"{isolate(merge.merged_name)} is now {name}",
        author=PUBLISHER,
        dates=Dates(merge.time, merge.time),
        lead=f"All its votes, bookmarks and reviews count for {name}.",
        facts=[("Reason", merge.reason)] if merge.reason else [],
        page=tool_path(tool.tool),
    )


def _listing(tool: Tool, dates: Dates) -> FeedEntry:
    return FeedEntry(
        path=tool_path(tool.tool),
        title=f"New in {isolate(tool.category.name)}: {isolate(tool.name)}",
        author=PUBLISHER,
        dates=dates,
        lead=tool.tagline,
        body=to_html(tool.description),
        facts=[
            ("Entry", ENTRIES[tool.entry]),
            ("Pricing", tool.pricing),
            ("Best for", tool.best_for),
            *([("Website", tool.url)] if tool.url and is_web_address(tool.url) else []),
        ],
    )


def _retirement(tool: Tool, time: datetime) -> FeedEntry:
    return FeedEntry(
        path=f"{tool_path(tool.tool)}#retired",
        title=f"{isolate(tool.name)} is no longer listed",
        author=PUBLISHER,
        dates=Dates(time, time),
        lead=tool.retired_reason or "This tool was retired.",
        linked=False,
    )


def _review(tool: Tool, review: Review, dates: Dates) -> FeedEntry:
    return FeedEntry(
        path=f"{tool_path(tool.tool)}#{review.reviewer}",
        title=f"{isolate(tool.name)}: {review.score}/100 · {review.verdict}",
        author=review.name,
        dates=dates,
        body=to_html(review.body),
        pros=review.pros,
        cons=review.cons,
        facts=[("Disclosure", review.disclosure)] if review.disclosure else [],
    )
