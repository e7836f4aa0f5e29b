"""When what a page shows last changed, by the times of the events that it shows.

Votes and bookmarks do not count: their pages live, but nobody needs to crawl them again.
"""

from collections.abc import Iterable
from datetime import datetime

from schemas.records import Authored, Tool


def of_tool(tool: Tool) -> datetime:
    """The newest of a tool's listing, its retirement and its reviews."""
    reviews = [review.time for review in tool.panel.reviews]
    return max([tool.listed, *([tool.retired] if tool.retired else []), *reviews])


def of_tools(tools: Iterable[Tool]) -> datetime | None:
    """The newest moment of several tools; nothing without any."""
    return max(map(of_tool, tools), default=None)


def of_reviews(authored: Iterable[Authored]) -> datetime | None:
    """The newest of these reviews; nothing without any."""
    return max((one.review.time for one in authored), default=None)
