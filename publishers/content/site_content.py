"""What the pages are made from: one consistent snapshot of the projections."""

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from functools import cached_property
from typing import Protocol

from msgspec import structs

from publishers.views.tools.similarity import SimilarTools
from schemas.digests import WeeklyDigest
from schemas.history import History
from schemas.records import Authored, Category, Reviewer, Tool


class SiteContent(Protocol):
    """One snapshot; every answer of one library belongs to the same moment.

    A tool is on the site while it is listed and not retired. Lists are sorted by slug, except
    that reviewers stand in their order on the scorecard (position, then slug).
    """

    def tool(self, slug: str) -> Tool | None:
        """The tool of this slug, a retired one too; None when it was never listed."""
        ...

    def tools(self) -> list[Tool]:
        """Every tool on the site."""
        ...

    def tools_in(self, category: str) -> list[Tool]:
        """The tools of one category that are on the site."""
        ...

    def retired(self) -> list[Tool]:
        """The tools that were listed and are retired now."""
        ...

    def categories(self) -> list[Category]:
        """Every defined category, and by its slug as name each undefined one that holds tools."""
        ...

    def category(self, slug: str) -> Category | None:
        """One of `categories()`."""
        ...

    def reviewers(self) -> list[Reviewer]:
        """Everyone who joined the panel, in the order of the scorecard."""
        ...

    def reviewer(self, slug: str) -> Reviewer | None:
        """One of `reviewers()`."""
        ...

    def reviews_by(self, reviewer: str) -> list[Authored]:
        """A reviewer's current reviews of the tools on the site."""
        ...

    def history(self, tool: str) -> History:
        """How the verdicts on a tool came about; empty where nothing is known of it."""
        ...

    def similar_tools(self) -> SimilarTools:
        """Which of the tools on the site are about the same."""
        ...

    def digests(self) -> list[WeeklyDigest]:
        """Every digest, newest first, those of weeks that are still open included."""
        ...

    def digest(self, week: str) -> WeeklyDigest | None:
        """One of `digests()`."""
        ...

    def newest_digest(self) -> str | None:
        """The week of the first of `digests()`."""
        ...


# One for all, so that what is made of it is made once.
_NO_HISTORY = History()


class InMemoryContent:
    """A library of records at hand. It never changes: with other tallies it is another library."""

    def __init__(
        self,
        tools: Iterable[Tool] = (),
        categories: Iterable[Category] = (),
        reviewers: Iterable[Reviewer] = (),
        digests: Iterable[WeeklyDigest] = (),
        histories: Mapping[str, History] | None = None,
    ) -> None:
        self._arrange({tool.tool: tool for tool in sorted(tools, key=lambda tool: tool.tool)})
        named = {tool.category.slug: tool.category.name for tool in self.tools()}
        found = {slug: Category(slug, name, "", 0) for slug, name in named.items()}
        found |= {category.category: category for category in categories}
        self._categories = dict(sorted(found.items()))
        ordered = sorted(reviewers, key=lambda reviewer: (reviewer.position, reviewer.reviewer))
        self._reviewers = {reviewer.reviewer: reviewer for reviewer in ordered}
        self._digests = sorted(digests, key=lambda digest: digest.week, reverse=True)
        self._histories = histories or {}

    def with_tallies(self, tools: Iterable[Tool]) -> "InMemoryContent":
        """The same library but for the votes and bookmarks of these known tools.

        What does not move stays the very same object, so that what was made of it is known.
        """
        made = copy(self)
        made._arrange(self._tools | {tool.tool: self._moved(tool) for tool in tools})
        return made

    def _moved(self, tool: Tool) -> Tool:
        """A known tool with the tallies of this record of it."""
        return structs.replace(
            self._tools[tool.tool],
            community=tool.community,
            bookmarks=tool.bookmarks,
            version=tool.version,
        )

    def with_digests(self, digests: Iterable[WeeklyDigest]) -> "InMemoryContent":
        """This library with other digests."""
        made = copy(self)
        made._digests = sorted(digests, key=lambda digest: digest.week, reverse=True)
        return made

    def slugs(self) -> Collection[str]:
        """Every tool of which there is a record."""
        return self._tools.keys()

    def versions(self, slugs: Iterable[str] | None = None) -> dict[str, int]:
        """The versions of the known ones among these tools, or of all."""
        asked = self._tools if slugs is None else slugs
        return {slug: self._tools[slug].version for slug in asked if slug in self._tools}

    def tool(self, slug: str) -> Tool | None:
        """See `Library`."""
        return self._tools.get(slug)

    def tools(self) -> list[Tool]:
        """See `Library`."""
        return self._on_site

    def tools_in(self, category: str) -> list[Tool]:
        """See `Library`."""
        return self._shelves.get(category, [])

    def retired(self) -> list[Tool]:
        """See `Library`."""
        return [tool for tool in self._tools.values() if tool.retired is not None]

    def categories(self) -> list[Category]:
        """See `Library`."""
        return list(self._categories.values())

    def category(self, slug: str) -> Category | None:
        """See `Library`."""
        return self._categories.get(slug)

    def reviewers(self) -> list[Reviewer]:
        """See `Library`."""
        return list(self._reviewers.values())

    def reviewer(self, slug: str) -> Reviewer | None:
        """See `Library`."""
        return self._reviewers.get(slug)

    def reviews_by(self, reviewer: str) -> list[Authored]:
        """See `Library`."""
        return [
            Authored(tool.tool, tool.name, review)
            for tool in self.tools()
            for review in tool.panel.reviews
            if review.reviewer == reviewer
        ]

    def history(self, tool: str) -> History:
        """See `Library`."""
        return self._histories.get(tool, _NO_HISTORY)

    def similar_tools(self) -> SimilarTools:
        """See `Library`."""
        return self._similar_tools

    def digests(self) -> list[WeeklyDigest]:
        """See `Library`."""
        return self._digests

    def digest(self, week: str) -> WeeklyDigest | None:
        """See `Library`."""
        return next((digest for digest in self._digests if digest.week == week), None)

    def newest_digest(self) -> str | None:
        """See `Library`."""
        return next((digest.week for digest in self._digests), None)

    @cached_property
    def _similar_tools(self) -> SimilarTools:
        # Votes move nothing in it, so the library with other tallies has the same one.
        return SimilarTools(self.tools())

    def _arrange(self, tools: dict[str, Tool]) -> None:
        self._tools = tools
        self._on_site = [tool for tool in tools.values() if tool.retired is None]
        self._shelves: dict[str, list[Tool]] = {}
        for tool in self._on_site:
            self._shelves.setdefault(tool.category.slug, []).append(tool)
