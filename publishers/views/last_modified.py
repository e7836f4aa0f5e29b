"""When pages and the entries of feeds last changed, by the times of the edits that they show.

Hidden edits count too: a retraction, a retirement, a tool that left its category. So a later edit
never turns a time back. Votes and bookmarks do not count: they change pages all the time, and no
crawler needs to follow.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, Protocol

from schemas.digests import WeeklyDigest
from schemas.history import EditTimes, History
from schemas.records import Review, Tool


class EditedContent(Protocol):
    """The tools of a site with the times of their edits."""

    def tools(self) -> list[Tool]:
        """Every tool on the site."""
        ...

    def tools_in(self, category: str) -> list[Tool]:
        """The tools on the site in one category."""
        ...

    def retired(self) -> list[Tool]:
        """The retired tools."""
        ...

    def history(self, tool: str) -> History:
        """A tool's history."""
        ...

    def histories(self) -> Mapping[str, History]:
        """All histories, by tool."""
        ...

    def edit_times(self) -> EditTimes:
        """When categories and reviewers were last defined, and digests frozen."""
        ...

    def newest_listing(self) -> datetime | None:
        """The newest listing or retirement of any tool; None without tools."""
        ...


class Dates(NamedTuple):
    """When something was first shown, and when that last changed."""

    published: datetime
    updated: datetime


class LastModified:
    """The times of one snapshot of the content."""

    def __init__(self, content: EditedContent) -> None:
        self._content = content
        self._edits = content.edit_times()
        self._of_tool: dict[str, datetime] = {}

    def of_site(self) -> datetime | None:
        """The newest edit of anything; None for an empty site."""
        edits = self._edits
        times = (edits.categories, edits.reviewers, edits.digests)
        return _newest(
            [*map(self.of_tool, self._every_tool), *(max(each.values()) for each in times if each)]
        )

    def of_tool(self, tool: Tool) -> datetime:
        """The newest edit of a tool, its category, its reviews and their authors."""
        if tool.tool not in self._of_tool:  # the map of a site asks for each pair of tools
            self._of_tool[tool.tool] = max(self._edits_of(tool))
        return self._of_tool[tool.tool]

    def of_tools(self, tools: Iterable[Tool]) -> datetime | None:
        """The newest edit of several tools; None without tools."""
        return _newest(map(self.of_tool, tools))

    def of_category(self, slug: str) -> datetime | None:
        """The newest edit of a category and its tools; None if nobody edited any.

        A tool may leave the category by any listing, so the listings of all tools count.
        """
        retired = (tool for tool in self._content.retired() if tool.category.slug == slug)
        own = map(self.of_tool, [*self._content.tools_in(slug), *retired])
        any_listing = filter(None, [self._content.newest_listing()])
        return _newest([*any_listing, *own, *_at(self._edits.categories, slug)])

    def of_reviewer(self, slug: str) -> datetime | None:
        """The newest edit of a reviewer, of their reviews, and of the reviewed tools."""
        return _newest([*_at(self._edits.reviewers, slug), *self._of_reviewed(slug)])

    def of_panel(self) -> datetime | None:
        """The newest edit of any reviewer; None without reviewers."""
        return _newest(self._edits.reviewers.values())

    def of_digest(self, digest: WeeklyDigest) -> Dates:
        """The end of a digest's week, and its freeze."""
        frozen = self._edits.digests.get(digest.week, digest.end)
        return Dates(digest.end, max(digest.end, frozen))

    def of_listing(self, tool: Tool) -> Dates:
        """The first listing of a tool, and the newest edit of its facts and its category's name."""
        history = self._content.history(tool.tool)
        names = _at(self._edits.categories, tool.category.slug)
        return Dates(tool.listed, max([listed_at(tool, history), *names]))

    def of_review(self, tool: Tool, review: Review) -> Dates:
        """The first version of a review, and the newest edit of it and of both names."""
        history = self._content.history(tool.tool)
        written = history.reviews.get(review.reviewer)
        names = _at(self._edits.reviewers, review.reviewer)
        updated = max([review.time, listed_at(tool, history), *names])
        return Dates(written.first if written else review.time, updated)

    @cached_property
    def _every_tool(self) -> list[Tool]:
        self._content.histories()  # read at once, not tool by tool
        return [*self._content.tools(), *self._content.retired()]

    def _edits_of(self, tool: Tool) -> Iterator[datetime]:
        history = self._content.history(tool.tool)
        yield listed_at(tool, history)
        yield from _at(self._edits.categories, tool.category.slug)
        yield from (point.time for point in history.panel[-1:])
        for review in tool.panel.reviews:
            yield from (review.time, *_at(self._edits.reviewers, review.reviewer))

    def _of_reviewed(self, reviewer: str) -> Iterator[datetime]:
        for tool in self._every_tool:
            history = self._content.history(tool.tool)
            times = [review.time for review in tool.panel.reviews if review.reviewer == reviewer]
            if reviewer in history.reviews:
                times.append(history.reviews[reviewer].last)
            if times:
                yield max(listed_at(tool, history), *times)


def listed_at(tool: Tool, history: History) -> datetime:
    """The newest listing of a tool, or its retirement."""
    return max(history.listed or tool.listed, tool.retired or tool.listed)


def _at(times: Mapping[str, datetime], slug: str) -> list[datetime]:
    """The time of one slug; empty where it has none, such as a category that nobody defined."""
    return [times[slug]] if slug in times else []


def _newest(times: Iterable[datetime]) -> datetime | None:
    return max(times, default=None)
