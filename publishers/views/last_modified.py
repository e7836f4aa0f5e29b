"""When a page last changed, by the times of the events that it shows.

Votes and bookmarks do not count: they change pages all the time, and no crawler needs to follow.
"""

from collections.abc import Iterable
from datetime import datetime

from schemas.records import Authored, Tool


def of_tool(tool: Tool) -> datetime:
    """The newest of a tool's listing, its retirement and its reviews."""
    reviews = [review.time for review in tool.panel.reviews]
    return max([tool.listed, *([tool.retired] if tool.retired else []), *reviews])


def of_tools(tools: Iterable[Tool]) -> datetime | None:
    """The newest time of several tools; None without tools."""
    return max(map(of_tool, tools), default=None)


def of_reviews(authored: Iterable[Authored]) -> datetime | None:
    """The time of the newest of these reviews; None without reviews."""
    return max((each.review.time for each in authored), default=None)
