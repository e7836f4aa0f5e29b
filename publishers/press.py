"""The press: renders the pages of what changed and puts them into the site's folder."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, Engine

from projections.outbox import Key
from publishers import dirty, pages
from publishers.files import SiteFiles
from publishers.library import Library
from publishers.shelf import DatabaseLibrary
from schemas.records import Tool

PUBLISHED = "published"
MOST_MARKS = 2_000

_FORMER = "select tool, category, retired from verdicts.publications where tool = any(%(tools)s)"
_REMEMBER = """
insert into verdicts.publications (tool, category, retired, version)
select * from unnest(
    %(tools)s::text[], %(categories)s::text[], %(retired)s::boolean[], %(versions)s::bigint[])
on conflict (tool) do update set
    category = excluded.category, retired = excluded.retired, version = excluded.version
"""
_NOTIFY = "select pg_notify(%(channel)s, message) from unnest(%(messages)s::text[]) as message"


Fence = Callable[[], None]


def free() -> None:
    """The fence of somebody who is alone: nothing to ask."""


class Printed(msgspec.Struct, frozen=True):
    """What one run did: marks taken, pages rendered, and how many of them differed."""

    marks: int
    rendered: int
    changed: int


class Weeks(NamedTuple):
    """The digests that the site shows: the newest, to which most pages link, and the open ones."""

    newest: str = ""
    still_open: tuple[str, ...] = ()

    @classmethod
    def of(cls, library: Library) -> "Weeks":
        """What a library shows now."""
        found = library.digests()
        still_open = tuple(one.week for one in found if not one.frozen)
        return cls(found[0].week if found else "", still_open)


class Press:
    """Renders from one snapshot at a time.

    Args:
        database: For what is remembered of the site.
        files: The site's folder.
        public_url: The site's address.
        reading: For snapshots, which may be held for long; `database` by default.
    """

    def __init__(
        self, database: Engine, files: SiteFiles, public_url: str, reading: Engine | None = None
    ) -> None:
        self._engine = database
        self._snapshots = (reading or database).execution_options(isolation_level="REPEATABLE READ")
        self._files = files
        self._public_url = public_url
        self._weeks = Weeks()

    def print_marked(self, fence: Fence = free) -> Printed:
        """Write the pages of all marked records, then clean the marks and tell who waits.

        `fence` is asked before each file, and raises when another process writes by now.

        Raises:
            OSError: a page could not be written; all marks stay.
        """
        with self._snapshots.begin() as connection:
            marks = dirty.marked(connection, MOST_MARKS)
            if not marks:
                return Printed(0, 0, 0)
            keys = set(marks.values())
            library = DatabaseLibrary(connection)
            former = _former(connection, {key.key for key in keys if key.kind == "tool"})
            weeks = Weeks.of(library)
            paths = _unique(
                [*self._paths(library, keys, former), *self._paths_of_weeks(library, keys, weeks)]
            )
            contents = {path: pages.render(library, path, self._public_url) for path in paths}
            tools = _tools(library, keys)
        changed = sum(self._put(path, content, fence) for path, content in contents.items())
        with self._engine.begin() as connection:
            _remember(connection, tools)
            dirty.clean(connection, marks)
        self._weeks = weeks
        return Printed(len(marks), len(contents), changed)

    def print_all(self, fence: Fence = free) -> Printed:
        """Write every page that should exist, and remove every file that should not."""
        with self._snapshots.begin() as connection:
            library = DatabaseLibrary(connection)
            paths = pages.page_paths(library)
            changed = sum(
                self._put(path, pages.render(library, path, self._public_url), fence)
                for path in paths
            )
            tools = [*library.tools(), *library.retired()]
            weeks = Weeks.of(library)
        removed = self._files.sweep(paths)
        with self._engine.begin() as connection:
            _remember(connection, tools)
        self._weeks = weeks
        return Printed(0, len(paths), changed + len(removed))

    def mark_all(self) -> None:
        """Mark every tool, so that whoever has the turn looks at all pages again."""
        with self._engine.begin() as connection:
            library = DatabaseLibrary(connection)
            tools = [*library.tools(), *library.retired()]
            dirty.mark(connection, [Key("tool", tool.tool) for tool in tools])

    def _put(self, path: str, content: bytes | None, fence: Fence) -> bool:
        fence()
        return self._files.put(path, content)

    def _paths(
        self, library: Library, keys: Iterable[Key], former: Mapping[str, tuple[str, bool]]
    ) -> list[str]:
        """Every page that shows something of these records, or did until now."""
        found: list[str] = []
        for key in sorted(keys):
            if key.kind == "tool":
                found += self._paths_of_tool(library, key.key, former.get(key.key))
            elif key.kind == "category":
                found += pages.paths_of_category(library, key.key)
            elif key.kind == "reviewer":
                found += pages.paths_of_reviewer(library, key.key)
        return found

    def _paths_of_weeks(self, library: Library, keys: Iterable[Key], now: Weeks) -> list[str]:
        """The digests that move with any record; every page when the newest digest is another.

        A week that was frozen shows on every page too: in the histories of the tools.
        """
        moving = pages.paths_of_weeks({*self._weeks.still_open, *now.still_open})
        if now.newest == self._weeks.newest and not any(key.kind == "digest" for key in keys):
            return moving
        return [*moving, *pages.page_paths(library)]

    def _paths_of_tool(
        self, library: Library, slug: str, former: tuple[str, bool] | None
    ) -> list[str]:
        tool = library.tool(slug)
        now = (tool.category.slug, tool.retired is not None) if tool else None
        if former is None or former == now:
            return pages.paths_of_tool(library, slug)
        # It moved or left: whatever stands in the folder with its name is looked at again.
        return [
            *pages.paths_of_tool(library, slug, former[0]),
            *self._files.comparisons_of(slug),
        ]


def _unique(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(paths))


def _tools(library: Library, keys: Iterable[Key]) -> list[Tool]:
    slugs = sorted(key.key for key in keys if key.kind == "tool")
    return [tool for slug in slugs if (tool := library.tool(slug))]


def _former(connection: Connection, tools: Iterable[str]) -> dict[str, tuple[str, bool]]:
    rows = connection.exec_driver_sql(_FORMER, {"tools": list(tools)})
    return {row.tool: (row.category, row.retired) for row in rows}


def _remember(connection: Connection, tools: list[Tool]) -> None:
    """Keep what the site shows of each tool, and tell who waits for that."""
    rows = {
        "tools": [tool.tool for tool in tools],
        "categories": [tool.category.slug for tool in tools],
        "retired": [tool.retired is not None for tool in tools],
        "versions": [tool.version for tool in tools],
    }
    connection.exec_driver_sql(_REMEMBER, rows)
    messages = [f"{tool.tool} {tool.version}" for tool in tools]
    connection.exec_driver_sql(_NOTIFY, {"channel": PUBLISHED, "messages": messages})
