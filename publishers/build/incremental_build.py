"""Builds the site: reads what changed, and writes the affected pages, most urgent first.

A tool's own page is built at once, also between the pages of another change. The other pages that
people read follow, then pages for machines and summaries; see `publishers.build.queue.page_queue`.
The marks of a change are deleted when all of its pages are built.

Every render uses the latest snapshot, so a page never goes back to an older state and one render
satisfies all pending requests.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping

import msgspec
from sqlalchemy import Engine

from infra.postgres.pipeline import SNAPSHOT, pipelined
from infra.telemetry import event_log, recording
from projections.history.digest_weeks import list_open_weeks
from projections.history.weekly_digests import list_digests
from projections.write import changed_keys, dirty_records
from projections.write.outbox import RecordKey
from publishers.build import affected_pages
from publishers.build.affected_pages import AffectedPages, DigestWeeks
from publishers.build.page_writer import Fence, PageWriter, no_fence
from publishers.build.queue.page_queue import Page, PageQueue, Priority
from publishers.build.queue.pending_changes import PendingChange, PendingChanges
from publishers.build.queue.throttle import Throttle, Timer
from publishers.build.site_check import SLICE, SiteCheck
from publishers.build.site_files import SiteFiles
from publishers.content import content_cache
from publishers.content.content_cache import ToolChange
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from publishers.views.paths import digests_path

MOST_MARKS = 2_000
# How often marks are read, and how often the weeks are asked for.
MARKS, WEEKS = Throttle(0.5, 0.015, 0.2), Throttle(0.1, 1.0, 3.0)


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
        self._queue, self._changes = PageQueue(clock), PendingChanges()
        self._checks: deque[SiteCheck] = deque()
        self._marks_timer, self._weeks_timer = Timer(MARKS, clock), Timer(WEEKS, clock)
        self.notified = True
        """Whether marks may have come since they were read last; the caller sets it."""
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
        self.notified = True

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
        self._queue, self._changes = PageQueue(self._clock), PendingChanges()
        self._checks.clear()
        self._digests_stale = False

    def mark_all(self) -> None:
        """Mark the whole site, so that the active publisher builds all pages again."""
        with self._engine.begin() as connection:
            changed_keys.mark(connection, [dirty_records.SITE])

    @property
    def idle(self) -> bool:
        """Whether no page waits, and no mark that the builder knows of."""
        return not (self._queue or self._checks or self.notified)

    def seconds_until_due(self) -> float:
        """Seconds until `build_next` has something to do, if no notification comes before."""
        waits = [self._queue.seconds_until_due(), self._weeks_timer.seconds_until_due()]
        if self.notified:
            waits.append(self._marks_timer.seconds_until_due())
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
        if self.notified and self._marks_timer.seconds_until_due() <= 0:
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
        with self._marks_timer.run():
            with pipelined(self._engine, SNAPSHOT) as snapshot:
                marks = dirty_records.pending(snapshot, MOST_MARKS, self._waiting_marks())
                keys = set(marks.values())
                content = content_cache.refresh(snapshot, self._content, keys)
            if content is None:
                with self._snapshots.begin() as connection:
                    content = content_cache.load(connection)
        self.notified = len(marks) == MOST_MARKS
        if marks:
            self._digests_stale = True
            self._take(marks, content, began)
            self._settle()

    def _waiting_marks(self) -> list[int]:
        checked = (mark for check in self._checks for mark in check.marks)
        return [*self._changes.marks(), *checked]

    def _take(self, marks: Mapping[int, RecordKey], content: InMemoryContent, since: float) -> None:
        """Queue the pages of what was marked: what is shown, the backfill, and a check of all."""
        changes = self._changes_since(content, marks.values())
        of_site = {mark: key for mark, key in marks.items() if key == dirty_records.SITE}
        filled = {
            mark: key for mark, key in marks.items()
            if key != dirty_records.SITE and affected_pages.needs_backfill(key, changes)
        }  # fmt: skip
        shown = {mark: key for mark, key in marks.items() if mark not in {*of_site, *filled}}
        affected = affected_pages.by_priority(
            self._content, content, {*marks.values()}, changes, self._writer.files
        )
        position = self._add(content, affected)
        if shown:
            self._changes.add(PendingChange(shown, since, position))
        if filled:
            last = self._queue.add((), Priority.BACKFILL)
            self._changes.add(PendingChange(filled, since, last, backfill=True))
        if of_site:
            with self._engine.begin() as connection:
                dirty_records.defer(connection, of_site)
            self._checks.append(SiteCheck(of_site, since, content, self._writer.files))

    def _changes_since(
        self, content: InMemoryContent, keys: Collection[RecordKey]
    ) -> list[ToolChange]:
        """How tools differ from before; until all files are checked, marked ones always do."""
        changes = list(content_cache.diff(self._content, content))
        unchecked = self._checks or dirty_records.SITE in keys
        if unchecked:
            slugs = {key.key for key in keys if key.kind == "tool"}
            for slug in sorted(slugs - {change.slug for change in changes}):
                tool = content.tool(slug)
                changes.append(ToolChange(slug, tool, tool, only_tallies=True))
        return changes

    @property
    def _may_check(self) -> bool:
        return bool(self._checks) and self._queue.count(Priority.BACKFILL) < SLICE

    def _check_slice(self) -> None:
        """Queue the next pages of a check."""
        check = self._checks[0]
        position = self._queue.add(check.next_slice(), Priority.BACKFILL)
        if check.over:
            self._checks.popleft()
            self._changes.add_backfill(
                PendingChange(check.marks, check.since, position, backfill=True)
            )
            self._settle()

    def _read_digests(self) -> None:
        """Read the digests, which move with every vote, just before a page shows one."""
        with self._snapshots.begin() as connection:
            content = self._content.with_digests(list_digests(connection))
        self._digests_stale = False
        turned = DigestWeeks.of(self._content) != DigestWeeks.of(content)
        self._add(content, {})
        if turned:
            self._changes.delay(self._queue.add((), Priority.BACKFILL), backfill=True)

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
        """Record changes that people see now, and delete the marks whose pages are all built."""
        for change in self._changes.seen(self._queue.first(Priority.PEOPLE)):
            if not change.backfill:
                self._record(change)
        built = self._changes.built(self._queue.first(Priority.SUMMARIES))
        filled = self._changes.filled(self._queue.first(Priority.BACKFILL))
        for change in filled:
            self._record(change)
        done = [change for change in built if not change.backfill] + filled
        deferred = [change for change in built if change.backfill and change not in filled]
        if done or deferred:
            marks = [mark for change in done for mark in change.marks]
            with self._engine.begin() as connection:
                dirty_records.delete(connection, marks)
                dirty_records.defer(connection, (mark for each in deferred for mark in each.marks))
            self.stats.marks += len(marks)

    def _record(self, change: PendingChange) -> None:
        seconds = self._clock() - change.since
        recording.built(seconds)
        event_log.built(self._engine, sorted(set(change.marks.values())), seconds)
