"""Site content read from the projections on demand, for pages rendered per request."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from projections.aliases.lookup import find_merged_into, find_moved_into, list_merges
from projections.history import tool_history
from projections.history.edit_times import read_demo_tools, read_edit_times
from projections.history.weekly_digests import find_newest_digest_week, list_digests
from projections.read.categories import list_categories
from projections.read.reviewers import list_reviewers
from projections.read.tools import find_tools, list_tools, list_tools_in
from publishers.content.shared_index import SharedIndexes
from publishers.content.site_content import SiteContent
from publishers.views.search.search_index import SearchIndex
from publishers.views.tools.similar_tools import SimilarTools
from schemas.digests import WeeklyDigest
from schemas.history import DemoTools, EditTimes, History, Merge
from schemas.records import Category, Reviewer, Tool


class DatabaseContent(SiteContent):
    """Reads only what a page asks for: a comparison reads two tools of thousands, once each.

    Args:
        connection: Its transaction is a snapshot.
        indexes: Shared by the snapshots of a process.
    """

    def __init__(self, connection: Connection, indexes: SharedIndexes | None = None) -> None:
        self._connection = connection
        self._shared = indexes or SharedIndexes()
        self._known: dict[str, Tool | None] = {}
        self._all: list[Tool] | None = None
        self._histories: dict[str, History] = {}
        self._every_history: Mapping[str, History] | None = None
        self._edit_times: EditTimes | None = None
        self._demo_tools: DemoTools | None = None
        self._categories: list[Category] | None = None

    def tool(self, slug: str) -> Tool | None:
        """Read one tool, unless an earlier question read it."""
        self.read_ahead([slug])
        return self._known[slug]

    def merged_into(self, slug: str) -> str | None:
        """Read the tool that this slug is another name of."""
        return find_merged_into(self._connection, slug)

    def moved_into(self, category: str) -> str | None:
        """Read the category that the tools of this removed one went to."""
        return find_moved_into(self._connection, category)

    def read_ahead(self, slugs: Iterable[str]) -> None:
        """Read those of these tools that no earlier question read, all at once."""
        if unknown := [slug for slug in dict.fromkeys(slugs) if slug not in self._known]:
            self._known |= dict.fromkeys(unknown)
            self._remember(find_tools(self._connection, unknown))

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
        """Read the categories, once."""
        if self._categories is None:
            self._categories = list_categories(self._connection)
        return self._categories

    def reviewers(self) -> list[Reviewer]:
        """Read the panel."""
        return list_reviewers(self._connection)

    def history(self, tool: str) -> History:
        """Read a tool's history, unless an earlier question read it."""
        if self._every_history is not None:
            return self._every_history.get(tool, History())
        if tool not in self._histories:
            self._histories[tool] = tool_history.read_history(self._connection, tool)
        return self._histories[tool]

    def histories(self) -> Mapping[str, History]:
        """Read all histories, once."""
        if self._every_history is None:
            self._every_history = tool_history.read_histories(self._connection)
        return self._every_history

    def edit_times(self) -> EditTimes:
        """Read the times, once."""
        if self._edit_times is None:
            self._edit_times = read_edit_times(self._connection)
        return self._edit_times

    def demo_tools(self) -> DemoTools:
        """Read the demo's tools, once."""
        if self._demo_tools is None:
            self._demo_tools = read_demo_tools(self._connection)
        return self._demo_tools

    def merges(self) -> list[Merge]:
        """Read all merges."""
        return list_merges(self._connection)

    def digests(self) -> list[WeeklyDigest]:
        """Read all digests, and compute those of open weeks."""
        return list_digests(self._connection)

    def newest_digest(self) -> str | None:
        """Read which week is newest, without computing its digest."""
        return find_newest_digest_week(self._connection)

    def similar_tools(self) -> SimilarTools:
        """The index of all tools, read again where the catalogue changed."""
        return self._shared.similar_tools.of(self.tools, self._connection)

    def rivals_in(self, category: str) -> dict[str, list[str]]:
        """Read a category's tools only where the catalogue changed."""
        self._rivals = self._shared.rivals.of(lambda: (), self._connection)
        return super().rivals_in(category)

    def search_index(self) -> SearchIndex:
        """The same of the search."""
        return self._shared.search.of(self.tools, self._connection)

    def _remember(self, tools: list[Tool]) -> list[Tool]:
        self._known |= {tool.tool: tool for tool in tools}
        return tools


@contextmanager
def open_snapshot(
    engine: Engine, indexes: SharedIndexes | None = None
) -> Iterator[DatabaseContent]:
    """Content on a snapshot of this moment; blocks on the database."""
    snapshots = engine.execution_options(isolation_level="REPEATABLE READ")
    with snapshots.connect() as connection:
        yield DatabaseContent(connection, indexes)
