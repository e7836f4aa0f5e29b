"""Site content read from the projections on demand, for pages rendered per request."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from projections.history import tool_history
from projections.history.weekly_digests import find_newest_digest_week, list_digests
from projections.read.categories import list_categories
from projections.read.reviewers import list_reviewers
from projections.read.tools import find_tool, list_tools, list_tools_in
from publishers.content.site_content import SiteContent
from schemas.digests import WeeklyDigest
from schemas.history import History
from schemas.records import Category, Reviewer, Tool


class DatabaseContent(SiteContent):
    """Reads only what a page asks for: a comparison reads two tools of thousands, once each."""

    def __init__(self, connection: Connection) -> None:
        """Read through a connection whose transaction is a snapshot."""
        self._connection = connection
        self._known: dict[str, Tool | None] = {}
        self._all: list[Tool] | None = None

    def tool(self, slug: str) -> Tool | None:
        """Read one tool, unless an earlier question read it."""
        if slug not in self._known:
            self._known[slug] = find_tool(self._connection, slug)
        return self._known[slug]

    def tools(self) -> list[Tool]:
        """Read all tools, once."""
        if self._all is None:
            self._all = self._remember(list_tools(self._connection))
        return self._all

    def tools_in(self, category: str) -> list[Tool]:
        """Read one category's tools, unless all tools are read."""
        if self._all is None:
            return self._remember(list_tools_in(self._connection, category))
        return [tool for tool in self._all if tool.category.slug == category]

    def retired(self) -> list[Tool]:
        """Read the retired tools."""
        return self._remember(list_tools(self._connection, retired=True))

    def categories(self) -> list[Category]:
        """Read the categories."""
        return list_categories(self._connection)

    def reviewers(self) -> list[Reviewer]:
        """Read the panel."""
        return list_reviewers(self._connection)

    def history(self, tool: str) -> History:
        """Read a tool's history."""
        return tool_history.read_history(self._connection, tool)

    def digests(self) -> list[WeeklyDigest]:
        """Read all digests, and compute those of open weeks."""
        return list_digests(self._connection)

    def newest_digest(self) -> str | None:
        """Read which week is newest, without computing its digest."""
        return find_newest_digest_week(self._connection)

    def _remember(self, tools: list[Tool]) -> list[Tool]:
        self._known |= {tool.tool: tool for tool in tools}
        return tools


@contextmanager
def open_snapshot(engine: Engine) -> Iterator[DatabaseContent]:
    """Content on a snapshot of this moment; blocks on the database."""
    snapshots = engine.execution_options(isolation_level="REPEATABLE READ")
    with snapshots.connect() as connection:
        yield DatabaseContent(connection)
