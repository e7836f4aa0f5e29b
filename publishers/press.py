"""The press: renders the pages of what changed and puts them into the site's folder.

A vote shows first where people look at it: on the tool's own page and its comparisons, at once.
What only sums it up (home, category, rankings, the open digest) is the rest, which may wait until
several votes share it.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import Engine

from infra import trail
from projections.outbox import Key
from publishers import dirty, pages, publications
from publishers.files import SiteFiles
from publishers.library import Library
from publishers.publications import Publication
from publishers.shelf import DatabaseLibrary

MOST_MARKS = 2_000
# The kind of a mark that stands for every page.
SITE = "site"
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

    def take_over(self) -> None:
        """Be the only one who changes the site's files from now on."""
        self._files.take_over()

    def print_marked(self, fence: Fence = free) -> Printed:
        """Write all pages of all marked records: those that matter at once, and the rest."""
        first, rest = self.print_front(fence), self.print_rest(fence)
        return Printed(first.marks, first.rendered + rest.rendered, first.changed + rest.changed)

    def print_front(self, fence: Fence = free) -> Printed:
        """Write the pages that matter at once, and tell who waits for them.

        `fence` is asked before each file, and raises when another process writes by now.

        Raises:
            OSError: a page could not be written; all marks stay.
        """
        began = time.monotonic()
        with self._snapshots.begin() as connection:
            marks = dirty.marked(connection, MOST_MARKS)
            if not marks:
                return Printed(0, 0, 0)
            keys = sorted(set(marks.values()))
            library = DatabaseLibrary(connection)
            slugs = [key.key for key in keys if key.kind == "tool"]
            former = publications.find(connection, slugs)
            paths = [path for key in keys for path in self._front(library, key, former)]
            contents = self._rendered(library, paths)
            tools = [tool for slug in slugs if (tool := library.tool(slug))]
        changed = self._put_all(contents, fence)
        with self._engine.begin() as connection:
            publications.remember(connection, tools)
            dirty.defer(connection, marks)
        trail.printed(self._engine, keys, time.monotonic() - began)
        return Printed(len(marks), len(contents), changed)

    def print_rest(self, fence: Fence = free) -> Printed:
        """Write the pages that sum up what was written before; see `print_front`."""
        with self._snapshots.begin() as connection:
            marks = dirty.marked(connection, MOST_MARKS, rest=True)
            if not marks:
                return Printed(0, 0, 0)
            keys = sorted(set(marks.values()))
            library = DatabaseLibrary(connection)
            weeks = Weeks.of(library)
            paths = [
                *(path for key in keys if key.kind == "tool"
                  for path in pages.summaries_of_tool(library, key.key)),
                *self._paths_of_weeks(library, keys, weeks),
            ]  # fmt: skip
            contents = self._rendered(library, paths)
        changed = self._put_all(contents, fence)
        with self._engine.begin() as connection:
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
            publications.remember(connection, tools)
        self._weeks = weeks
        return Printed(0, len(paths), changed + len(removed))

    def mark_all(self) -> None:
        """Mark the whole site, so that whoever has the turn looks at all pages again."""
        with self._engine.begin() as connection:
            dirty.mark(connection, [Key(SITE, "")])

    def _rendered(self, library: Library, paths: Iterable[str]) -> dict[str, bytes | None]:
        return {
            path: pages.render(library, path, self._public_url) for path in dict.fromkeys(paths)
        }

    def _put_all(self, contents: Mapping[str, bytes | None], fence: Fence) -> int:
        return sum(self._put(path, content, fence) for path, content in contents.items())

    def _put(self, path: str, content: bytes | None, fence: Fence) -> bool:
        fence()
        return self._files.put(path, content)

    def _front(self, library: Library, key: Key, former: Mapping[str, Publication]) -> list[str]:
        """The pages of one record that must not wait: for anything but votes, all of them."""
        if key.kind == "tool":
            return self._front_of_tool(library, key.key, former.get(key.key))
        if key.kind == SITE:
            return [*pages.page_paths(library), *self._files.paths()]
        if key.kind == "category":
            return pages.paths_of_category(library, key.key)
        if key.kind == "reviewer":
            return pages.paths_of_reviewer(library, key.key)
        return []

    def _paths_of_weeks(self, library: Library, keys: Iterable[Key], now: Weeks) -> list[str]:
        """The digests that move with any record; every page when the newest digest is another.

        A week that was frozen shows on every page too: in the histories of the tools.
        """
        moving = pages.paths_of_weeks({*self._weeks.still_open, *now.still_open})
        if now.newest == self._weeks.newest and not any(key.kind == "digest" for key in keys):
            return moving
        return [*moving, *pages.page_paths(library)]

    def _front_of_tool(self, library: Library, slug: str, former: Publication | None) -> list[str]:
        tool = library.tool(slug)
        now = Publication.of(tool) if tool else None
        if former is None or now is None:
            return pages.paths_of_tool(library, slug)
        if now == former:
            return pages.tallies_of_tool(library, slug)
        if (now.category, now.retired) == (former.category, former.retired):
            return pages.paths_of_tool(library, slug)
        # It moved or left: whatever stands in the folder with its name is looked at again.
        return [
            *pages.paths_of_tool(library, slug, former.category),
            *self._files.comparisons_of(slug),
        ]
