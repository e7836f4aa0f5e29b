"""What the API reads from the projections, off the event loop."""

# ruff: noqa: D102 - the methods of the protocol are described where they are done

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy import Engine

from infra.runtime.blocking_pool import SECONDS, BlockingPool
from projections.history import digest_queries
from projections.read import queries
from projections.read.queries import OwnVote, SavedTool, ToolTally
from schemas.digests import WeeklyDigest
from schemas.records import Authored, Category, Choice, Reviewer, Tool
from schemas.topics import EVENT_TOPICS

READERS = 8
"""Threads, and so connections, that read at once."""

Applied = dict[tuple[str, int], int]
T = TypeVar("T")


class ReadModel(Protocol):
    """The questions that the API asks; each is one query or two."""

    async def tool(self, slug: str) -> Tool | None: ...
    async def tools(self, limit: int, after: str) -> list[Tool]: ...
    async def tools_in(self, category: str) -> list[Tool]: ...
    async def tools_named(self, slugs: Iterable[str]) -> list[Tool]: ...
    async def categories(self) -> list[Category]: ...
    async def category(self, slug: str) -> Category | None: ...
    async def reviewers(self) -> list[Reviewer]: ...
    async def reviewer(self, slug: str) -> Reviewer | None: ...
    async def reviews_by(self, slug: str) -> list[Authored]: ...
    async def digests(self) -> list[WeeklyDigest]: ...
    async def digest(self, week: str) -> WeeklyDigest | None: ...
    async def tallies(self, slugs: Iterable[str]) -> dict[str, ToolTally]: ...
    async def choices_of(self, voter: str) -> Mapping[str, Choice]: ...
    async def bookmarks_of(self, voter: str) -> list[str]: ...
    async def kept_by(self, voter: str) -> list[SavedTool]: ...
    async def votes_of(self, voter: str) -> list[OwnVote]: ...
    async def applied(self) -> Applied: ...


class DatabaseReadModel:
    """Answers from PostgreSQL, in threads of its own.

    Any question may raise `sqlalchemy.exc.SQLAlchemyError`: the database is away, which is also
    what it means to say nothing for `patience` seconds.
    """

    def __init__(self, engine: Engine, patience: float = SECONDS) -> None:
        self._engine = engine
        self._threads = BlockingPool(READERS, "library", patience)

    async def tool(self, slug: str) -> Tool | None:
        """One listed tool, also a retired one."""
        return await self._read(queries.tool, slug)

    async def tools(self, limit: int, after: str) -> list[Tool]:
        """Tools on the site by slug, from behind `after`."""
        return await self._read(lambda it: queries.tools(it, limit=limit, after=after))

    async def tools_in(self, category: str) -> list[Tool]:
        """The tools of a category on the site."""
        return await self._read(queries.tools_in, category)

    async def tools_named(self, slugs: Iterable[str]) -> list[Tool]:
        """Listed tools with these slugs, also retired ones."""
        return await self._read(queries.tools_named, slugs)

    async def categories(self) -> list[Category]:
        """All categories by slug."""
        return await self._read(queries.categories)

    async def category(self, slug: str) -> Category | None:
        """One category."""
        return await self._read(queries.category, slug)

    async def reviewers(self) -> list[Reviewer]:
        """The panel in its order."""
        return await self._read(queries.reviewers)

    async def reviewer(self, slug: str) -> Reviewer | None:
        """One member of the panel."""
        return await self._read(queries.reviewer, slug)

    async def reviews_by(self, slug: str) -> list[Authored]:
        """A reviewer's current reviews, newest first."""
        return await self._read(queries.reviews_by, slug)

    async def digests(self) -> list[WeeklyDigest]:
        """All digests, newest first, the running week's included."""
        return await self._read(digest_queries.everything)

    async def digest(self, week: str) -> WeeklyDigest | None:
        """One week's digest, frozen or running."""
        return await self._read(digest_queries.find, week)

    async def tallies(self, slugs: Iterable[str]) -> dict[str, ToolTally]:
        """The counts of those of these tools that are listed."""
        return await self._read(queries.tallies, slugs)

    async def choices_of(self, voter: str) -> Mapping[str, Choice]:
        """A voter's choices by tool."""
        return await self._read(queries.choices_of, voter)

    async def bookmarks_of(self, voter: str) -> list[str]:
        """The tools that a reader keeps, the last kept first."""
        return await self._read(queries.bookmarks_of, voter)

    async def kept_by(self, voter: str) -> list[SavedTool]:
        """The tools that a reader keeps, with their names, the last kept first."""
        return await self._read(queries.kept_by, voter)

    async def votes_of(self, voter: str) -> list[OwnVote]:
        """A voter's choices with the tools' names, the last made first."""
        return await self._read(queries.votes_of, voter)

    async def applied(self) -> Applied:
        """The first offset that is not applied yet, by event topic and partition."""
        return await self._read(queries.applied, [topic.name for topic in EVENT_TOPICS])

    def close(self) -> None:
        """Stop the threads once they are done."""
        self._threads.close()

    async def _read(self, query: Callable[..., T], *arguments: Any) -> T:
        def read() -> T:
            with self._engine.connect() as connection:
                return query(connection, *arguments)

        return await self._threads.run(read)


class FakeReadModel:
    """Answers from what it was given, without a database.

    Attributes:
        shelf: Tools by slug.
        choices: Choices by voter and tool.
        kept: Bookmarks by voter.
        weekly: Digests, newest first.
        progress: What `applied` answers.
    """

    def __init__(self, *tools: Tool) -> None:
        self.shelf = {tool.tool: tool for tool in tools}
        self.panel: list[Reviewer] = []
        self.weekly: list[WeeklyDigest] = []
        self.choices: dict[str, dict[str, Choice]] = {}
        self.kept: dict[str, list[str]] = {}
        self.progress: Applied = {}

    async def tool(self, slug: str) -> Tool | None:
        """One tool."""
        return self.shelf.get(slug)

    async def tools(self, limit: int, after: str) -> list[Tool]:
        """Tools by slug, from behind `after`."""
        here = (t for slug, t in sorted(self.shelf.items()) if slug > after and not t.retired)
        return list(here)[:limit]

    async def tools_in(self, category: str) -> list[Tool]:
        """The tools of a category."""
        return [t for t in self.shelf.values() if t.category.slug == category and not t.retired]

    async def tools_named(self, slugs: Iterable[str]) -> list[Tool]:
        """The tools with these slugs."""
        return [self.shelf[slug] for slug in sorted(slugs) if slug in self.shelf]

    async def categories(self) -> list[Category]:
        """The categories that the tools name."""
        names = {tool.category.slug: tool.category.name for tool in self.shelf.values()}
        return [Category(slug, name, "", 0) for slug, name in sorted(names.items())]

    async def category(self, slug: str) -> Category | None:
        """One category that a tool names."""
        return next((c for c in await self.categories() if c.category == slug), None)

    async def reviewers(self) -> list[Reviewer]:
        """The panel."""
        return self.panel

    async def reviewer(self, slug: str) -> Reviewer | None:
        """One member of the panel."""
        return next((member for member in self.panel if member.reviewer == slug), None)

    async def reviews_by(self, slug: str) -> list[Authored]:
        """The reviews that stand in the tools."""
        return [
            Authored(tool.tool, tool.name, review)
            for tool in self.shelf.values()
            for review in tool.panel.reviews
            if review.reviewer == slug
        ]

    async def digests(self) -> list[WeeklyDigest]:
        """The digests that it was given."""
        return self.weekly

    async def digest(self, week: str) -> WeeklyDigest | None:
        """One of those digests."""
        return next((made for made in self.weekly if made.week == week), None)

    async def tallies(self, slugs: Iterable[str]) -> dict[str, ToolTally]:
        """The counts of these tools."""
        found = await self.tools_named(slugs)
        return {t.tool: ToolTally(t.tool, t.community, t.bookmarks, t.version) for t in found}

    async def choices_of(self, voter: str) -> Mapping[str, Choice]:
        """A voter's choices."""
        return self.choices.get(voter, {})

    async def bookmarks_of(self, voter: str) -> list[str]:
        """A reader's bookmarks."""
        return self.kept.get(voter, [])

    async def kept_by(self, voter: str) -> list[SavedTool]:
        """The voter's bookmarks, all of one moment."""
        found = [self.shelf[slug] for slug in self.kept.get(voter, [])]
        return [SavedTool(tool.tool, tool.name, tool.tagline, tool.listed) for tool in found]

    async def votes_of(self, voter: str) -> list[OwnVote]:
        """The voter's choices, all of one moment."""
        found = [(self.shelf[slug], it) for slug, it in self.choices.get(voter, {}).items()]
        return [OwnVote(tool.tool, tool.name, choice, tool.listed) for tool, choice in found]

    async def applied(self) -> Applied:
        """What `progress` says."""
        return self.progress
