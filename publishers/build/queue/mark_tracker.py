"""Which marks were read, and what becomes of them once their pages are built."""

from collections import deque
from collections.abc import Callable, Iterable

from sqlalchemy import Engine

from infra.postgres.statement_pipeline import pipelined
from infra.telemetry import event_log, recording
from projections.write import dirty_records
from publishers.build.queue.page_queue import PageQueue, Priority
from publishers.build.queue.pending_changes import PendingChange, PendingChanges
from publishers.build.queue.site_check import SiteCheck


class MarkTracker:
    """The marks that wait for pages, and the checks of the whole site that some of them ask for.

    Args:
        database: Holds the marks.
        clock: Seconds that only go forward.
    """

    def __init__(self, database: Engine, clock: Callable[[], float]) -> None:
        self._engine = database
        self._clock = clock
        self._changes = PendingChanges()
        self._checks: deque[SiteCheck] = deque()

    @property
    def check(self) -> SiteCheck | None:
        """The check of all files that is under way."""
        return self._checks[0] if self._checks else None

    def waiting(self) -> list[int]:
        """The ids of all marks that wait."""
        checked = (mark for check in self._checks for mark in check.marks)
        return [*self._changes.marks(), *checked]

    def add(self, shown: PendingChange, filled: PendingChange, check: SiteCheck) -> None:
        """Wait for the pages of marks, where each argument may have none.

        Args:
            shown: What pages that are on the site show alone.
            filled: What has backfill as well.
            check: All pages.
        """
        for change in (shown, filled):
            if change.marks:
                self._changes.add(change)
        if check.marks:
            with self._engine.begin() as connection:
                dirty_records.defer(connection, check.marks)
            self._checks.append(check)

    def delay(self, position: int) -> None:
        """Have all marks wait for backfill up to this position as well."""
        self._changes.delay(position, backfill=True)

    def end_check(self, position: int) -> None:
        """Have the marks of the check wait for its last page only, which is at this position."""
        check = self._checks.popleft()
        self._changes.add_backfill(PendingChange(check.marks, check.since, position, backfill=True))

    def settle(self, queue: PageQueue) -> int:
        """Record changes that people see now, and delete the marks whose pages are all built.

        Returns:
            How many marks were deleted.
        """
        for change in self._changes.seen(queue.first(Priority.PEOPLE)):
            if not change.backfill:
                self._record(change)
        built = self._changes.built(queue.first(Priority.SUMMARIES))
        filled = self._changes.filled(queue.first(Priority.BACKFILL))
        for change in filled:
            self._record(change)
        complete = _marks([*(change for change in built if not change.backfill), *filled])
        deferred = _marks(change for change in built if change.backfill)
        if complete or deferred:
            with pipelined(self._engine) as statements:
                dirty_records.delete(statements, complete)
                dirty_records.defer(statements, deferred)
        return len(complete)

    def _record(self, change: PendingChange) -> None:
        seconds = self._clock() - change.since
        recording.built(seconds)
        event_log.built(self._engine, sorted(set(change.marks.values())), seconds)


def _marks(changes: Iterable[PendingChange]) -> list[int]:
    return [mark for change in changes for mark in change.marks]
