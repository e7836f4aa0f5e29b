"""Atom feeds of the whole site, a category, or one tool."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import Markup

from publishers.views.digests.digest_sections import Section
from publishers.views.paths import tool_path
from publishers.views.text.formatting import instant
from publishers.views.text.markdown import to_html
from schemas.records import Review, Tool
from schemas.text.isolation import isolate

MAX_ENTRIES = 50
PUBLISHER = "Verdicts"


class FeedEntry(NamedTuple):
    """One entry; `path` is its permanent id. Its content is `lead`, `body` and `sections`.

    An entry about a retired tool is not `linked`: its page answers 410.
    """

    path: str
    title: str
    author: str
    time: datetime
    lead: str = ""
    body: Markup = Markup()
    sections: Sequence[Section] = ()
    linked: bool = True

    @property
    def updated(self) -> str:
        """The time as Atom spells it."""
        return instant(self.time)


class Feed(NamedTuple):
    """A feed, newest entry first; `page` is the path of its page."""

    title: str
    path: str
    page: str
    updated: str
    entries: list[FeedEntry]


def feed(title: str, path: str, page: str, entries: Iterable[FeedEntry]) -> Feed:
    """A feed of the newest of these entries; the newest one dates the feed."""
    by_path = sorted(entries, key=lambda entry: entry.path)
    newest = sorted(by_path, key=lambda entry: entry.time, reverse=True)[:MAX_ENTRIES]
    # An empty feed gets a fixed time: the clock's would change its bytes.
    updated = newest[0].time if newest else datetime(1970, 1, 1, tzinfo=UTC)
    return Feed(title, path, page, instant(updated), newest)


def entries_of(tools: Iterable[Tool]) -> list[FeedEntry]:
    """Entries for the listings, retirements and current reviews of these tools."""
    return [entry for tool in tools for entry in _entries(tool)]


def _entries(tool: Tool) -> Iterable[FeedEntry]:
    if tool.retired is not None:
        yield _retirement(tool, tool.retired)
        return
    yield _listing(tool)
    yield from (_review(tool, review) for review in tool.panel.reviews)


def _listing(tool: Tool) -> FeedEntry:
    return FeedEntry(
        path=tool_path(tool.tool),
        title=f"New in {isolate(tool.category.name)}: {isolate(tool.name)}",
        author=PUBLISHER,
        time=tool.listed,
        lead=tool.tagline,
        body=to_html(tool.description),
    )


def _retirement(tool: Tool, time: datetime) -> FeedEntry:
    return FeedEntry(
        path=f"{tool_path(tool.tool)}#retired",
        title=f"{isolate(tool.name)} is no longer listed",
        author=PUBLISHER,
        time=time,
        lead=tool.retired_reason or "This tool was retired.",
        linked=False,
    )


def _review(tool: Tool, review: Review) -> FeedEntry:
    return FeedEntry(
        path=f"{tool_path(tool.tool)}#{review.reviewer}",
        title=f"{isolate(tool.name)}: {review.score}/100 · {review.verdict}",
        author=review.name,
        time=review.time,
        body=to_html(review.body),
    )
