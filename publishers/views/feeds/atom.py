"""Atom feeds: what is new on the whole site, in a category, or of one tool."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import Markup

from publishers.views.paths import tool_path
from publishers.views.text.formatting import instant, xml_text
from publishers.views.text.markdown import to_html
from schemas.records import Review, Tool

NEWEST = 50
PUBLISHER = "Verdicts"


class FeedEntry(NamedTuple):
    """One entry; `path` names it for good, and `content` is HTML that the template escapes."""

    path: str
    title: str
    author: str
    moment: datetime
    content: str

    @property
    def updated(self) -> str:
        """The moment as Atom spells it."""
        return instant(self.moment)


class Feed(NamedTuple):
    """A feed, newest entry first; `page` is what it is the feed of."""

    title: str
    path: str
    page: str
    updated: str
    entries: list[FeedEntry]


def feed(title: str, path: str, page: str, entries: Iterable[FeedEntry]) -> Feed:
    """The newest of these entries; the feed is as old as the newest one."""
    by_path = sorted(entries, key=lambda entry: entry.path)
    newest = sorted(by_path, key=lambda entry: entry.moment, reverse=True)[:NEWEST]
    # An empty feed has no moment of its own, and the clock's would change its bytes.
    updated = newest[0].moment if newest else datetime(1970, 1, 1, tzinfo=UTC)
    return Feed(xml_text(title), path, page, instant(updated), newest)


def entries_of(tools: Iterable[Tool]) -> list[FeedEntry]:
    """What happened to these tools: listings, retirements and the current reviews."""
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
        title=xml_text(f"New in {tool.category.name}: {tool.name}"),
        author=PUBLISHER,
        moment=tool.listed,
        content=xml_text(_paragraph(tool.tagline) + str(to_html(tool.description))),
    )


def _retirement(tool: Tool, moment: datetime) -> FeedEntry:
    return FeedEntry(
        path=f"{tool_path(tool.tool)}#retired",
        title=xml_text(f"{tool.name} is no longer listed"),
        author=PUBLISHER,
        moment=moment,
        content=xml_text(_paragraph(tool.retired_reason or "It was retired.")),
    )


def _review(tool: Tool, review: Review) -> FeedEntry:
    return FeedEntry(
        path=f"{tool_path(tool.tool)}#{review.reviewer}",
        title=xml_text(f"{tool.name}: {review.score}/100 · {review.verdict}"),
        author=xml_text(review.name),
        moment=review.time,
        content=xml_text(str(to_html(review.body))),
    )


def _paragraph(text: str) -> str:
    return str(Markup("<p>{}</p>\n").format(text))
