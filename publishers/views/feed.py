"""The feed of the newest reviews."""

from datetime import UTC, datetime
from typing import NamedTuple

from publishers.views.markdown import to_html
from publishers.views.paths import tool_path
from publishers.views.reviewer import newest_first
from publishers.views.texts import instant, xml_text
from schemas.records import Authored, Tool

NEWEST = 50


class Item(NamedTuple):
    """One entry of the feed; `content` is HTML, which the feed's template escapes once more."""

    path: str
    title: str
    author: str
    updated: str
    content: str


class Feed(NamedTuple):
    """The feed, newest review first; `updated` is the newest review's own time."""

    updated: str
    items: list[Item]


def feed(tools: list[Tool]) -> Feed:
    """The newest reviews of the tools on the site."""
    written = [
        Authored(tool.tool, tool.name, review) for tool in tools for review in tool.panel.reviews
    ]
    newest = newest_first(written)[:NEWEST]
    # An empty feed has no moment of its own, and the clock's would change its bytes.
    updated = newest[0].review.time if newest else datetime(1970, 1, 1, tzinfo=UTC)
    return Feed(instant(updated), [_item(one) for one in newest])


def _item(one: Authored) -> Item:
    review = one.review
    return Item(
        path=f"{tool_path(one.tool)}#{review.reviewer}",
        title=xml_text(f"{one.tool_name}: {review.score}/100 · {review.verdict}"),
        author=xml_text(review.name),
        updated=instant(review.time),
        content=xml_text(str(to_html(review.body))),
    )
