"""Runs queries of the projections off the event loop."""

from collections.abc import Callable, Iterable
from inspect import isawaitable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from infra.postgres.statement_pipeline import Statements, pipelined
from infra.runtime.blocking_pool import ANSWER_SECONDS, BlockingPool
from projections.aliases.lookup import find_merged_into, find_moved_into
from projections.event_references import Reference, find_known
from projections.history.weekly_digests import find_digest, list_digests
from projections.read.categories import find_category, list_categories
from projections.read.checkpoints import read_applied_offsets
from projections.read.reviewers import find_reviewer, list_reviewers, list_reviews_by
from projections.read.tools import (
    ToolTally,
    find_tool,
    find_tools,
    list_tools,
    list_tools_in,
    read_tallies,
)
from projections.read.voters import (
    OwnToolState,
    OwnVote,
    SavedTool,
    list_bookmarks,
    list_own_votes,
    list_saved_tools,
    read_choices,
    read_own_states,
)
from schemas.digests import WeeklyDigest
from schemas.records import Authored, Category, Choice, Reviewer, Tool
from schemas.topics import TopicPartition

READERS = 8
"""Queries at once, each with a thread and a connection."""

T = TypeVar("T")
P = ParamSpec("P")


class ReadModel(Protocol):
    """Runs queries, as `await read_model.run(find_tool, slug)`."""

    async def run(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The query's result on a connection of its own.

        The query may be built anew for each call, and read its rows one by one.

        Raises:
            SQLAlchemyError: The database is away.
        """
        ...

    async def run_short(
        self, query: Callable[Concatenate[Statements, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same in one round trip, for a query that each vote waits for.

        A pipeline knows constant queries alone, since it caches their compiled form for ever, has
        no scalars or cursors, and ends after ten seconds. So other queries keep a connection.
        """
        ...


class DatabaseReadModel:
    """Runs queries on PostgreSQL, in threads of its own.

    Args:
        engine: The database.
        timeout: Seconds without an answer after which the database counts as away.
    """

    def __init__(self, engine: Engine, timeout: float = ANSWER_SECONDS) -> None:
        self._engine = engine
        self._pool = BlockingPool(READERS, "read model", timeout)

    async def run(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The query's result; see `ReadModel`."""

        def read() -> T:
            with self._engine.connect() as connection:
                return query(connection, *args, **kwargs)

        return await self._pool.run(read)

    async def run_short(
        self, query: Callable[Concatenate[Statements, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The query's result in one round trip; see `ReadModel`."""

        def read() -> T:
            with pipelined(self._engine) as statements:
                return query(statements, *args, **kwargs)

        return await self._pool.run(read)

    def close(self) -> None:
        """Stop the threads once their queries have ended."""
        self._pool.close()


class FakeReadModel:
    """Answers the same queries from records in memory.

    Attributes:
        tools: Tools by slug.
        reviewers: The panel in its order.
        digests: Digests, newest first.
        choices: Choices by voter and tool.
        bookmarks: Slugs of saved tools by voter, newest first.
        newest: The time of the newest applied change, in microseconds, by voter.
        merged: The tools that merged ones are other names of, by slug.
        moved: The categories that the tools of removed ones went to, by slug.
        applied: The result of `read_applied_offsets`.
        answers: The function that answers each query; a test may replace one.
    """

    def __init__(self, *tools: Tool) -> None:
        self.tools = {tool.tool: tool for tool in tools}
        self.reviewers: list[Reviewer] = []
        self.digests: list[WeeklyDigest] = []
        self.choices: dict[str, dict[str, Choice]] = {}
        self.bookmarks: dict[str, list[str]] = {}
        self.newest: dict[str, int] = {}
        self.applied: dict[TopicPartition, int] = {}
        self.merged: dict[str, str] = {}
        self.moved: dict[str, str] = {}
        self.answers: dict[Callable[..., Any], Callable[..., Any]] = {
            find_tool: lambda slug: self.tools.get(slug),
            list_tools: self._list_tools,
            list_tools_in: self._tools_in,
            find_tools: self._tools_named,
            find_merged_into: self.merged.get,
            find_moved_into: self.moved.get,
            list_categories: self._categories,
            find_category: lambda slug: _first(self._categories(), category=slug),
            list_reviewers: lambda: self.reviewers,
            find_known: self._known,
            find_reviewer: lambda slug: _first(self.reviewers, reviewer=slug),
            list_reviews_by: self._reviews_by,
            read_tallies: self._tallies,
            read_choices: lambda voter: self.choices.get(voter, {}),
            read_own_states: lambda pairs: {pair: self._own_state(*pair) for pair in pairs},
            list_bookmarks: lambda voter: self.bookmarks.get(voter, []),
            list_saved_tools: self._saved_tools,
            list_own_votes: self._votes,
            read_applied_offsets: lambda _: self.applied,
            list_digests: lambda: self.digests,
            find_digest: lambda week: _first(self.digests, week=week),
        }

    async def run(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The query's result; an answer may be a coroutine function."""
        result = self.answers[query](*args, **kwargs)
        return await result if isawaitable(result) else result  # type: ignore[no-any-return]

    run_short = run

    def _list_tools(self, limit: int, after: str) -> list[Tool]:
        later = (tool for slug, tool in sorted(self.tools.items()) if slug > after)
        return [tool for tool in later if not tool.retired][:limit]

    def _tools_in(self, category: str) -> list[Tool]:
        on_site = (tool for tool in self.tools.values() if not tool.retired)
        return [tool for tool in on_site if tool.category.slug == category]

    def _tools_named(self, slugs: Iterable[str]) -> list[Tool]:
        return [self.tools[slug] for slug in sorted(slugs) if slug in self.tools]

    def _categories(self) -> list[Category]:
        names = {tool.category.slug: tool.category.name for tool in self.tools.values()}
        return [Category(slug, name, "", 0) for slug, name in sorted(names.items())]

    def _reviews_by(self, reviewer: str) -> list[Authored]:
        return [
            Authored(tool.tool, tool.name, review)
            for tool in self.tools.values()
            for review in tool.panel.reviews
            if review.reviewer == reviewer
        ]

    def _known(self, references: Iterable[Reference]) -> set[Reference]:
        slugs = {
            "tool": set(self.tools),
            "category": {category.category for category in self._categories()},
            "reviewer": {reviewer.reviewer for reviewer in self.reviewers},
        }
        return {each for each in references if each.slug in slugs[each.kind]}

    def _tallies(self, slugs: Iterable[str]) -> dict[str, ToolTally]:
        tools = self._tools_named(slugs)
        return {t.tool: ToolTally(t.tool, t.community, t.bookmarks, t.version) for t in tools}

    def _own_state(self, voter: str, tool: str) -> OwnToolState:
        choice = self.choices.get(voter, {}).get(tool)
        saved = tool in self.bookmarks.get(voter, [])
        return OwnToolState(choice, saved, self.newest.get(voter, 0))

    def _saved_tools(self, voter: str) -> list[SavedTool]:
        tools = [self.tools[slug] for slug in self.bookmarks.get(voter, [])]
        return [SavedTool(tool.tool, tool.name, tool.tagline, tool.listed) for tool in tools]

    def _votes(self, voter: str) -> list[OwnVote]:
        choices = self.choices.get(voter, {})
        tools = [(self.tools[slug], choice) for slug, choice in choices.items()]
        return [OwnVote(tool.tool, tool.name, choice, tool.listed) for tool, choice in tools]


def _first(records: Iterable[Any], **field: str) -> Any:
    """The first record whose field has this value, or None."""
    ((name, value),) = field.items()
    return next((record for record in records if getattr(record, name) == value), None)
