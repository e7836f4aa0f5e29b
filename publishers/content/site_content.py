"""What the pages are made from: one consistent snapshot of the projections."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property

from publishers.views.last_modified import LastModified, listed_at
from publishers.views.search.search_index import SearchIndex
from publishers.views.tools.rivals import CategoryRivals
from publishers.views.tools.similar_tools import SimilarTools
from schemas.digests import WeeklyDigest
from schemas.facts.values import FactDefinition
from schemas.history import DemoTools, EditTimes, History, Merge
from schemas.records import Authored, Category, Reviewer, Tool


class SiteContent(ABC):
    """One snapshot: every answer belongs to the same moment.

    A tool is on the site while it is listed and not retired. Lists are sorted by slug, except
    that reviewers come in scorecard order (position, then slug).
    """

    @abstractmethod
    def tool(self, slug: str) -> Tool | None:
        """The tool with this slug, also a retired one; None if it was never listed."""

    def merged_into(self, slug: str) -> str | None:  # noqa: ARG002
        """The tool that this slug is another name of."""
        return None

    def moved_into(self, category: str) -> str | None:  # noqa: ARG002
        """The category that the tools of this removed one went to."""
        return None

    @abstractmethod
    def tools(self) -> list[Tool]:
        """Every tool on the site."""

    @abstractmethod
    def tools_in(self, category: str) -> list[Tool]:
        """The tools on the site in one category."""

    @abstractmethod
    def retired(self) -> list[Tool]:
        """The retired tools."""

    @abstractmethod
    def categories(self) -> list[Category]:
        """Every defined category, and each undefined one that holds tools, named by its slug."""

    @abstractmethod
    def reviewers(self) -> list[Reviewer]:
        """The whole panel in scorecard order."""

    @abstractmethod
    def history(self, tool: str) -> History:
        """How a tool's verdicts came about; empty for an unknown tool."""

    @abstractmethod
    def histories(self) -> Mapping[str, History]:
        """The histories of all tools that have one, by slug."""

    @abstractmethod
    def edit_times(self) -> EditTimes:
        """When categories and reviewers were last defined, and digests frozen."""

    @abstractmethod
    def demo_tools(self) -> DemoTools:
        """The tools of the demo."""

    @abstractmethod
    def merges(self) -> list[Merge]:
        """The tools that became other names of others, oldest first."""

    @abstractmethod
    def digests(self) -> list[WeeklyDigest]:
        """Every digest, newest first, including those of open weeks."""

    def read_ahead(self, slugs: Iterable[str]) -> None:  # noqa: B027 # only a database gains
        """Prepare for questions about these tools."""

    def tool_on_site(self, slug: str) -> Tool | None:
        """The tool with this slug, unless it is unknown or retired."""
        tool = self.tool(slug)
        return tool if tool is not None and tool.retired is None else None

    def category(self, slug: str) -> Category | None:
        """One of `categories()`."""
        return next((each for each in self.categories() if each.category == slug), None)

    def reviewer(self, slug: str) -> Reviewer | None:
        """One of `reviewers()`."""
        return next((each for each in self.reviewers() if each.reviewer == slug), None)

    def facts_of(self, tools: Iterable[Tool]) -> dict[str, Sequence[FactDefinition]]:
        """The facts that the categories of these tools name, as far as a tool states any."""
        slugs = {tool.category.slug for tool in tools if tool.facts}
        categories = self.categories() if slugs else []
        return {each.category: tuple(each.facts) for each in categories if each.category in slugs}

    def reviews_by(self, reviewer: str) -> list[Authored]:
        """A reviewer's current reviews of the tools on the site."""
        return [
            Authored(tool.tool, tool.name, review)
            for tool in self.tools()
            for review in tool.panel.reviews
            if review.reviewer == reviewer
        ]

    def is_demo(self) -> bool:
        """Whether the site shows a tool of the demo, with its invented reviews and votes."""
        return bool(self.demo_tools().on_site)

    def is_demo_digest(self, digest: WeeklyDigest) -> bool:
        """Whether a digest has news of the demo, whose tools may be retired meanwhile."""
        on_site, retired = self.demo_tools()
        return bool(on_site or not retired.isdisjoint(digest.named_tools()))

    def newest_digest(self) -> str | None:
        """The week of the first of `digests()`."""
        return next((digest.week for digest in self.digests()), None)

    def last_modified(self) -> LastModified:
        """When pages and entries of feeds last changed.

        It is not kept: it holds this content, which would then outlive its last use.
        """
        return LastModified(self)

    def newest_listing(self) -> datetime | None:
        """The newest listing or retirement of any tool; None without tools."""
        return self._newest_listing

    @cached_property
    def _newest_listing(self) -> datetime | None:
        """Each category's feed asks for it, and no tally changes it."""
        histories = self.histories()
        every = [*self.tools(), *self.retired()]
        times = (listed_at(tool, histories.get(tool.tool, History())) for tool in every)
        return max(times, default=None)

    def rivals(self, slug: str) -> list[str]:
        """The tools that a tool has a stored comparison with, by slug.

        A retired tool has none; then these are all that it can have had one with.
        """
        tool = self.tool(slug)
        if tool is None:
            return []
        rivals_of = self.rivals_in(tool.category.slug)
        return rivals_of[slug] if slug in rivals_of else sorted(rivals_of)

    def rivals_in(self, category: str) -> dict[str, list[str]]:
        """The same for every tool on the site in one category."""
        if category not in self._rivals:
            self._rivals[category] = CategoryRivals(self.tools_in(category))
        return self._rivals[category].by_tool

    def similar_tools(self) -> SimilarTools:
        """The tools on the site, comparable by their texts."""
        return self._similar_tools

    @cached_property
    def _similar_tools(self) -> SimilarTools:
        return SimilarTools(self.tools())

    def search_index(self) -> SearchIndex:
        """The tools on the site, found by the words of their texts."""
        return self._search_index

    @cached_property
    def _search_index(self) -> SearchIndex:
        return SearchIndex(self.tools())

    @cached_property
    def _rivals(self) -> dict[str, CategoryRivals]:
        """By category, as far as they were asked for; no tally changes them."""
        return {}


ContentFactory = Callable[[], AbstractContextManager[SiteContent]]
"""Opens content on a fresh snapshot; it blocks, so it is called in a thread."""
