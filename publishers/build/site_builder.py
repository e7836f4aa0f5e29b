"""The press: renders the pages of what changed and puts them into the site's folder.

A vote shows first where people look at it. The tool's own page is written at once, and whatever
else is under way waits for it. All comparisons of the tool follow, then those who wait for the
tool's pages are told, and then come the twins and feeds for machines, unless more people wait by
then: for up to a second they go first. What only sums votes up (home, category, rankings, the open
digest) is the rest, which may wait until several votes share it.

A page is rendered from the newest that is known, for whichever reason it is written: so none is
ever turned back, and to be written once is enough for all who asked for it before.
"""

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import Engine

from infra.postgres.pipeline import SNAPSHOT, pipelined
from infra.telemetry import event_log
from projections.history.digest_weeks import list_open_weeks
from projections.history.weekly_digests import list_digests
from projections.write import changed_keys, dirty_records
from projections.write.outbox import RecordKey
from publishers.build import announcements
from publishers.build.parallel import map_in_forks
from publishers.build.site_files import SiteFiles
from publishers.content import content_cache
from publishers.content.content_cache import ToolChange
from publishers.content.in_memory_content import InMemoryContent
from publishers.content.site_content import SiteContent
from publishers.pages import catalogue, dependencies
from publishers.views import memoize
from publishers.views.paths import tool_path

MOST_MARKS = 2_000
# So often somebody looks whether a tool was marked while other pages are written.
LOOK_SECONDS = 0.015
# So long what machines read may wait for what people read.
TWINS_SECONDS = 1.0
Fence = Callable[[], None]


def no_fence() -> None:
    """The fence of somebody who is alone: nothing to ask."""


class BuildStats(msgspec.Struct):
    """What one run did: marks taken, pages rendered, and how many of them differed."""

    marks: int = 0
    rendered: int = 0
    changed: int = 0


class DigestWeeks(NamedTuple):
    """The digests that the site shows, newest first, and those among them that are still open.

    Most pages link to the newest, the sitemap to all, and each digest to its neighbours.
    """

    shown: tuple[str, ...] = ()
    still_open: tuple[str, ...] = ()

    @classmethod
    def of(cls, library: SiteContent) -> "DigestWeeks":
        """What a library shows now."""
        found = library.digests()
        still_open = tuple(one.week for one in found if not one.frozen)
        return cls(tuple(one.week for one in found), still_open)


class PendingPages(msgspec.Struct):
    """Marks, the pages still owed for them, and the versions of the tools that those show.

    It is lost with the process. Its marks are not, so the next process begins anew.
    """

    marks: dict[int, RecordKey] = {}
    owed: dict[str, None] = {}
    versions: dict[str, int] = {}
    since: float = math.inf

    def __bool__(self) -> bool:
        return bool(self.marks or self.owed or self.versions)

    def add(
        self,
        marks: Mapping[int, RecordKey],
        owed: Mapping[str, None],
        versions: Mapping[str, int],
        since: float,
    ) -> None:
        """Take on more, of which the oldest waits since this moment."""
        self.marks |= marks
        self.owed |= owed
        self.versions |= versions
        self.since = min(self.since, since)


class SiteBuilder:
    """Writes pages from a library of its own, which it keeps up to date by what is marked.

    Args:
        database: Holds the projections and the marks.
        files: The site's folder.
        public_url: The site's address.
    """

    def __init__(self, database: Engine, files: SiteFiles, public_url: str) -> None:
        self._engine = database
        self._snapshots = database.execution_options(isolation_level="REPEATABLE READ")
        self._files = files
        self._public_url = public_url
        self._fence: Fence = no_fence
        self._library = InMemoryContent()
        # Its records stay, so what was made of one is of use again.
        memoize.enable()
        self._weeks = DigestWeeks()
        # The weeks that may have an open digest, and whether they are others since the last rest.
        self._open_weeks: list[str] = []
        self._weeks_changed = False
        self._told: dict[str, int] = {}
        self._round, self._next = PendingPages(), PendingPages()
        # Marks of which only the summaries are still owed.
        self._for_rest: dict[int, RecordKey] = {}
        self._looked = 0.0
        self._printed = BuildStats()

    @property
    def front_waits(self) -> bool:
        """Whether `print_front` has something to do."""
        return bool(self._round or self._next)

    @property
    def rest_waits(self) -> bool:
        """Whether `print_rest` has something to do."""
        return bool(self._for_rest) or self._weeks_changed

    def acquire(self, fence: Fence = no_fence) -> None:
        """Be the only one who changes the site's files from now on.

        Args:
            fence: Is asked before each file, and raises when another process writes by now.
        """
        self._fence = fence
        self._files.acquire()

    def catch_up(self) -> BuildStats:
        """Write every page, and with it what all marks so far ask for, however many they are."""
        with self._engine.begin() as connection:
            mark = dirty_records.merge(connection)
        built = self.build_all()
        with self._engine.begin() as connection:
            dirty_records.delete(connection, [mark])
        return built

    def build_all(self, hands: int = 1) -> BuildStats:
        """Write every page that should exist, and remove every file that should not.

        It comes first: what is printed afterwards is what has changed since. With several `hands`
        as many processes share the work; see `publishers.build.parallel`.
        """
        self._printed = BuildStats()
        with self._snapshots.begin() as connection:
            self._library = content_cache.load(connection)
            self._open_weeks, self._weeks_changed = list_open_weeks(connection), False
        self._round, self._next, self._for_rest = PendingPages(), PendingPages(), {}
        paths = catalogue.page_paths(self._library)
        self._library.similar_tools()  # once for all hands
        self._printed.changed = map_in_forks(self._put_all, paths, hands)
        self._printed.rendered = len(paths)
        self._printed.changed += len(self._files.remove_all_but(paths))
        self._weeks = DigestWeeks.of(self._library)
        self._announce(self._library.versions())
        return self._printed

    def build_tool_pages(self) -> BuildStats:
        """Write the own pages of the tools that changed since somebody looked last.

        Raises:
            OSError: a page could not be written; all marks stay, and the next call goes on.
        """
        self._printed = BuildStats()
        self._printed.marks = self._take_changes()
        return self._printed

    def build_dependent_pages(self) -> BuildStats:
        """Write all other pages that should not wait; see `print_own`.

        Those that people read come first, and then who waits for them is told. While that goes on,
        tools that change have their own pages written, and if there were any, what machines read
        is left to a later round.
        """
        began, self._printed = time.monotonic(), BuildStats()
        if not self._round:
            self._round, self._next = self._next, PendingPages()
        self._write(path for path in self._round.owed if catalogue.is_for_people(path))
        self._announce(self._round.versions)
        if self._next.owed and began - self._round.since < TWINS_SECONDS:
            late, self._round = self._round, PendingPages()
            self._next.add(late.marks, late.owed, {}, late.since)
            return self._printed
        self._write(self._round.owed)
        marks = self._round.marks
        self._for_rest |= marks
        self._round = PendingPages()
        self._printed.marks = len(marks)
        if marks:
            event_log.built(self._engine, sorted(set(marks.values())), time.monotonic() - began)
        return self._printed

    def build_summaries(self) -> BuildStats:
        """Write the pages that sum up what was written before; see `print_front`."""
        self._printed = BuildStats()
        marks = self._for_rest
        if not self.rest_waits:
            return self._printed
        with self._snapshots.begin() as connection:
            self._library = self._library.with_digests(list_digests(connection))
        weeks = DigestWeeks.of(self._library)
        # Most of what sums up one tool sums up its neighbours too.
        self._write(dict.fromkeys(self._summary_paths(set(marks.values()), weeks)))
        with self._engine.begin() as connection:
            dirty_records.delete(connection, marks)
        self._for_rest, self._weeks_changed = {}, False
        self._weeks = weeks
        self._printed.marks = len(marks)
        return self._printed

    def check_week_rollover(self) -> BuildStats:
        """See whether a week began or ended, which the rest is to show.

        The first event of a week may change no record, such as a vote that was cast before. Then it
        leaves no mark.
        """
        with self._engine.connect() as connection:
            open_weeks = list_open_weeks(connection)
        if open_weeks != self._open_weeks:
            self._open_weeks, self._weeks_changed = open_weeks, True
        return BuildStats()

    def mark_all(self) -> None:
        """Mark the whole site, so that whoever has the turn looks at all pages again."""
        with self._engine.begin() as connection:
            changed_keys.mark(connection, [dirty_records.SITE])

    def _take_changes(self) -> int:
        """Write the own pages of what was marked since the last look; owe the others.

        Returns:
            The number of marks.
        """
        known = [*self._round.marks, *self._next.marks, *self._for_rest]
        with pipelined(self._engine, SNAPSHOT) as snapshot:
            marks = dirty_records.pending(snapshot, MOST_MARKS, known)
            keys = set(marks.values())
            library = content_cache.refresh(snapshot, self._library, keys)
        if library is None:
            with self._snapshots.begin() as connection:
                library = content_cache.load(connection)
        changes = list(content_cache.diff(self._library, library))
        owed = dict.fromkeys(self._urgent_paths(library, keys, changes))
        # From here on it is known, so whatever fails must leave it owed.
        self._library = library
        versions = library.versions(key.key for key in keys if key.kind == "tool")
        self._next.add(marks, owed, versions, time.monotonic())
        for change in changes:
            self._build_page(tool_path(change.slug))
        self._looked = time.monotonic()
        return len(marks)

    def _announce(self, versions: Mapping[str, int]) -> None:
        """Tell who waits for it what the pages show, where that was not told yet."""
        news = {tool: it for tool, it in versions.items() if it > self._told.get(tool, -1)}
        if news:
            with self._engine.begin() as connection:
                announcements.announce(connection, news)
            self._told |= news

    def _write(self, paths: Iterable[str]) -> None:
        for path in list(paths):
            self._build_page(path)
            if time.monotonic() - self._looked > LOOK_SECONDS:
                self._take_changes()

    def _put_all(self, paths: Iterable[str]) -> int:
        """Bring pages up to date; the number of those that differed."""
        before = self._printed.changed
        for path in paths:
            self._build_page(path)
        return self._printed.changed - before

    def _build_page(self, path: str) -> None:
        """Bring one page up to date; then nobody is owed it any more."""
        content = catalogue.render(self._library, path, self._public_url)
        self._fence()
        self._printed.changed += self._files.put(path, content)
        self._printed.rendered += 1
        self._round.owed.pop(path, None)
        self._next.owed.pop(path, None)

    def _urgent_paths(
        self, library: SiteContent, keys: Collection[RecordKey], changes: Collection[ToolChange]
    ) -> Iterator[str]:
        """The pages that must not wait: for anything but votes, all that show it."""
        for change in changes:
            yield from self._paths_of_change(library, change)
        if not all(change.only_tallies for change in changes):
            yield from dependencies.paths_of_any_tool(library)
        for key in sorted(keys):
            if key == dirty_records.SITE:
                yield from (*catalogue.page_paths(library), *self._files.paths())
            elif key.kind == "category":
                yield from dependencies.paths_of_category(library, key.key)
            elif key.kind == "reviewer":
                yield from dependencies.paths_of_reviewer(library, key.key)

    def _paths_of_change(self, library: SiteContent, change: ToolChange) -> Iterator[str]:
        yield from dependencies.paths_about_tool(library, change.slug)
        if not change.only_tallies:
            shelves = {tool.category.slug for tool in (change.before, change.after) if tool}
            yield from (
                path for shelf in sorted(shelves) for path in dependencies.paths_in_category(shelf)
            )
        if change.before and change.moved:
            # Whatever stands in the folder with its name is looked at again.
            for path in self._files.comparisons_of(change.slug):
                yield from (path, *catalogue.alternates_of(path))

    def _summary_paths(self, keys: Collection[RecordKey], now: DigestWeeks) -> Iterator[str]:
        """The pages that sum up tools, and those that show weeks.

        A week that was frozen shows on every page: in the histories of the tools.
        """
        for key in sorted(keys):
            if key.kind == "tool":
                yield from dependencies.summaries_of_tool(self._library, key.key)
        yield from dependencies.paths_of_weeks({*self._weeks.still_open, *now.still_open})
        if now.shown != self._weeks.shown or any(key.kind == "digest" for key in keys):
            yield from catalogue.page_paths(self._library)
