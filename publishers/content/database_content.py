"""The library that reads the projections: one snapshot, and every question asked once."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from sqlalchemy import Connection, Engine

from projections.history import digest_queries, tool_history
from projections.read import queries
from publishers.views.tools.similarity import SimilarTools
from schemas.digests import WeeklyDigest
from schemas.history import History
from schemas.records import Authored, Category, Reviewer, Tool


class DatabaseContent:
    """Site content read lazily from one snapshot. Every record is read once and kept."""

    def __init__(self, connection: Connection) -> None:
        """Read through a connection whose transaction is a snapshot."""
        self._connection = connection
        self._tools: dict[str, Tool | None] = {}
        self._shelves: dict[str, list[Tool]] = {}
        self._authored: dict[str, list[Authored]] = {}
        self._all: list[Tool] | None = None

    def tool(self, slug: str) -> Tool | None:
        """See `Library`."""
        if slug not in self._tools:
            self._tools[slug] = queries.tool(self._connection, slug)
        return self._tools[slug]

    def tools(self) -> list[Tool]:
        """See `Library`."""
        if self._all is None:
            self._all = self._keep(queries.tools(self._connection))
        return self._all

    def tools_in(self, category: str) -> list[Tool]:
        """See `Library`."""
        if category not in self._shelves:
            if self._all is None:
                found = self._keep(queries.tools_in(self._connection, category))
            else:
                found = [tool for tool in self._all if tool.category.slug == category]
            self._shelves[category] = found
        return self._shelves[category]

    def retired(self) -> list[Tool]:
        """See `Library`."""
        return self._keep(queries.tools(self._connection, retired=True))

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
        if reviewer not in self._authored:
            self._authored[reviewer] = queries.reviews_by(self._connection, reviewer)
        return self._authored[reviewer]

    def history(self, tool: str) -> History:
        """See `Library`."""
        return tool_history.history(self._connection, tool)

    def similar_tools(self) -> SimilarTools:
        """See `Library`."""
        return self._similar_tools

    def digests(self) -> list[WeeklyDigest]:
        """See `Library`."""
        return list(self._digests.values())

    def digest(self, week: str) -> WeeklyDigest | None:
        """See `Library`."""
        return self._digests.get(week)

    def newest_digest(self) -> str | None:
        """See `Library`."""
        return self._newest_digest

    @cached_property
    def _similar_tools(self) -> SimilarTools:
        return SimilarTools(self.tools())

    @cached_property
    def _newest_digest(self) -> str | None:
        return digest_queries.newest(self._connection)

    @cached_property
    def _digests(self) -> dict[str, WeeklyDigest]:
        return {one.week: one for one in digest_queries.everything(self._connection)}

    @cached_property
    def _categories(self) -> dict[str, Category]:
        return {one.category: one for one in queries.categories(self._connection)}

    @cached_property
    def _reviewers(self) -> dict[str, Reviewer]:
        return {one.reviewer: one for one in queries.reviewers(self._connection)}

    def _keep(self, tools: list[Tool]) -> list[Tool]:
        self._tools |= {tool.tool: tool for tool in tools}
        return tools


@contextmanager
def open_snapshot(engine: Engine) -> Iterator[DatabaseContent]:
    """A library on a snapshot of this moment."""
    reading = engine.execution_options(isolation_level="REPEATABLE READ")
    with reading.connect() as connection:
        yield DatabaseContent(connection)
