"""Incremental build: reads what changed, and writes the affected pages, most urgent first.

A tool's own page is built at once, also between the pages of another change. The other pages that
people read follow, then pages for machines and summaries; see `publishers.build.queue.page_queue`.
The marks of a change are deleted when all of its pages are built.

Every render uses the latest snapshot, so a page never goes back to an older state and one render
satisfies all pending requests.
"""

import time
from collections.abc import Callable, Collection, Mapping

import msgspec
from sqlalchemy import Engine

from infra.telemetry import recording
from projections.history.digest_weeks import list_open_weeks
from projections.history.weekly_digests import list_digests
from projections.record_keys import RecordKey
from projections.write import changed_keys, dirty_records
from publishers.build import affected_pages
from publishers.build.affected_pages import AffectedPages, DigestWeeks
from publishers.build.page_writer import Fence, PageWriter, no_fence
from publishers.build.queue.mark_reader import MarkReader
from publishers.build.queue.mark_tracker import MarkTracker
from publishers.build.queue.page_queue import Page, PageQueue, Priority
from publishers.build.queue.pending_changes import PendingChange
from publishers.build.queue.site_check import SLICE, SiteCheck
from publishers.build.queue.throttle import Throttle, Timer
from publishers.build.site_files import SiteFiles
from publishers.content import content_cache
from publishers.content.content_cache import ToolChange
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from publishers.views.paths import digests_path

# How often the weeks are asked for.
WEEKS = Throttle(0.1, 1.0, 3.0)


class BuildStats(msgspec.Struct):
    """How many marks were deleted, pages rendered, and files changed by that."""

    marks: int = 0
    rendered: int = 0
    changed: int = 0


class SiteBuilder:
    """Builds pages from content in memory, which it keeps up to date by the marks.

    Args:
        database: Holds the projections and the marks.
        files: The site's folder.
        public_url: The site's address.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        database: Engine,
        files: SiteFiles,
        public_url: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = database
        self._snapshots = database.execution_options(isolation_level="REPEATABLE READ")
        self._writer = PageWriter(files, public_url)
        self._clock = clock
        self._content = InMemoryContent()
        self._open_weeks: list[str] = []
        self._digests_stale = False
        self._queue, self._marks = PageQueue(clock), MarkTracker(database, clock)
        self._reader, self._weeks_timer = MarkReader(database, clock), Timer(WEEKS, clock)
        self.stats = BuildStats()

    def acquire(self, fence: Fence = no_fence) -> None:
        """Become the only writer of the site's files.

        Args:
            fence: Called before each file; raises when another process became the writer.
        """
        self._writer.acquire(fence)

    def start(self) -> None:
        """Read everything, and be ready to build; all files are checked as backfill.

        Marks of tools stay, however many they are: what these show is built first.
        """
        with self._engine.begin() as connection:
            dirty_records.merge(connection)
        self._load()
        self._reader.notified = True

    def build_all(self, processes: int = 1) -> BuildStats:
        """Build every page that should exist, and remove every other file.

        With several `processes` these share the work; see `publishers.build.parallel`.
        """
        before = msgspec.structs.replace(self.stats)
        self._load()
        paths = catalogue.page_paths(self._content)
        self.stats.changed += self._writer.write_all(self._content, paths, processes)
        self.stats.rendered += len(paths)
        built = self.stats.changed - before.changed
        recording.pages(len(paths), built)
        return BuildStats(0, len(paths), built)

    def _load(self) -> None:
        with self._snapshots.begin() as connection:
            self._content = content_cache.load(connection)
            self._open_weeks = list_open_weeks(connection)
        self._queue = PageQueue(self._clock)
        self._marks = MarkTracker(self._engine, self._clock)
        self._reader.reset()
        self._digests_stale = False

    def mark_all(self) -> None:
        """Mark the whole site, so that the active publisher builds all pages again."""
        with self._engine.begin() as connection:
            changed_keys.mark(connection, [dirty_records.SITE])

    def notify(self) -> None:
        """Have marks read, since there may be new ones."""
        self._reader.notified = True

    @property
    def idle(self) -> bool:
        """Whether no page waits, and no mark that the builder knows of."""
        return not self._queue and not self._marks.check and self._reader.idle

    def seconds_until_due(self) -> float:
        """Seconds until `build_next` has something to do, if no notification comes before."""
        waits = [
            self._queue.seconds_until_due(),
            self._weeks_timer.seconds_until_due(),
            self._reader.seconds_until_due(),
        ]
        if self._may_check:
            waits.append(0.0)
        return max(0.0, min(waits))

    def build_next(self) -> Page | None:
        """Read marks where that is due, then build the most urgent page that is due.

        Raises:
            OSError: the page could not be written. It stays in the queue, and so do all marks.
        """
        if self._weeks_timer.seconds_until_due() <= 0:
            self._check_weeks()
        if self._reader.seconds_until_due() <= 0:
            self._read_marks()
        if self._may_check:
            self._check_slice()
        page = self._queue.next()
        if page is None:
            return None
        began = self._clock()
        if self._digests_stale and page.path.startswith(digests_path()):
            self._read_digests()
        changed = self._writer.write(self._content, page.path)
        self._queue.built(page, self._clock() - began)
        self.stats.rendered += 1
        self.stats.changed += changed
        recording.pages(1, int(changed))
        self._settle()
        return page

    def _check_weeks(self) -> None:
        """See whether a week began or ended.

        The first event of a week may change no record, such as a vote that was cast before, and
        then it leaves no mark.
        """
        with self._weeks_timer.run(), self._engine.connect() as connection:
            open_weeks = list_open_weeks(connection)
        if open_weeks != self._open_weeks:
            self._open_weeks = open_weeks
            self._read_digests()

    def _read_marks(self) -> None:
        """Bring the content up to date, and queue the pages that the marks affect."""
        began = self._clock()
        marks, content = self._reader.read(self._content, self._marks.waiting())
        if marks:
            self._digests_stale = True
            self._take(marks, content, began)
            self._settle()

    def _take(self, marks: Mapping[int, RecordKey], content: InMemoryContent, since: float) -> None:
        """Queue the pages of what was marked: what is shown, the backfill, and a check of all."""
        changes = self._changes_since(content, marks.values())
        affected = affected_pages.by_priority(
            self._content, content, {*marks.values()}, changes, self._writer.files
        )
        parts = affected_pages.partition(marks, changes)
        shown = self._add(content, affected)
        last = self._queue.add((), Priority.BACKFILL)
        self._marks.add(
            PendingChange(parts.shown, since, shown),
            PendingChange(parts.filled, since, last, backfill=True),
            SiteCheck(parts.of_site, since, content, self._writer.files),
        )

    def _changes_since(
        self, content: InMemoryContent, keys: Collection[RecordKey]
    ) -> list[ToolChange]:
        """How tools differ from before; until all files are checked, marked ones always do."""
        changes = list(content_cache.diff(self._content, content))
        if self._marks.check or dirty_records.SITE in keys:
            slugs = {key.key for key in keys if key.kind == "tool"}
            for slug in sorted(slugs - {change.slug for change in changes}):
                tool = content.tool(slug)
                changes.append(ToolChange(slug, tool, tool, only_tallies=True))
        return changes

    @property
    def _may_check(self) -> bool:
        return self._marks.check is not None and self._queue.count(Priority.BACKFILL) < SLICE

    def _check_slice(self) -> None:
        """Queue the next pages of a check."""
        if self._marks.check:
            paths = self._marks.check.next_slice()
            position = self._queue.add(paths, Priority.BACKFILL)
            if self._marks.check.over:
                self._marks.end_check(position)
                self._settle()

    def _read_digests(self) -> None:
        """Read the digests, which move with every vote, just before a page shows one."""
        with self._snapshots.begin() as connection:
            content = self._content.with_digests(list_digests(connection))
        self._digests_stale = False
        turned = DigestWeeks.of(self._content) != DigestWeeks.of(content)
        self._add(content, {})
        if turned:
            self._marks.delay(self._queue.add((), Priority.BACKFILL))

    def _add(self, content: InMemoryContent, affected: AffectedPages) -> int:
        """Replace the content, and queue the affected pages and those that show weeks.

        Returns:
            The position of the last page before the backfill.
        """
        before, now = DigestWeeks.of(self._content), DigestWeeks.of(content)
        of_weeks = affected_pages.of_weeks(content, before, now)
        for priority in Priority:
            if priority == Priority.BACKFILL:
                position = self._queue.add((), priority)
            for paths in (affected.get(priority, ()), of_weeks.get(priority, ())):
                self._queue.add(paths, priority)
        if content.is_demo() != self._content.is_demo():  # every page says so
            self._queue.add(catalogue.page_paths(content), Priority.BACKFILL)
        self._content = content
        return position

    def _settle(self) -> None:
        self.stats.marks += self._marks.settle(self._queue)
