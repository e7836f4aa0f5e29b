"""Reads marks and what they are about, and puts off what would keep votes waiting."""

import math
from collections.abc import Callable, Collection
from itertools import islice

from sqlalchemy import Engine

from infra.postgres.statement_pipeline import SNAPSHOT, pipelined
from projections.record_keys import RecordKey
from projections.write import dirty_records
from publishers.build.queue.throttle import Throttle, Timer
from publishers.content import content_cache
from publishers.content.in_memory_content import InMemoryContent

MOST_MARKS = 2_000
MOST_NEW_TOOLS = 25
"""Tools that enter the site at once: each has dozens of pages, and moves those close to it."""
# How often marks are read, and how often everything is. On processors with much other work a read
# mostly waits for the database, and the pages that it brings have to be built as well.
MARKS, LOADS = Throttle(0.15, 0.015, 0.2), Throttle(0.25, 0.0, 2.0)


class MarkReader:
    """Brings content up to date by marks.

    Votes and edits are read at once. Tools that enter the site are, a few at a time. After any
    other change everything is read, which has its share of the time.

    Args:
        database: Holds the projections and the marks.
        clock: Seconds that only go forward.
    """

    def __init__(self, database: Engine, clock: Callable[[], float]) -> None:
        self._engine = database
        self._snapshots = database.execution_options(isolation_level="REPEATABLE READ")
        self._timer, self._load_timer = Timer(MARKS, clock), Timer(LOADS, clock)
        self._new: dict[int, RecordKey] = {}
        self._unread: dict[int, RecordKey] = {}
        self.notified = True
        """Whether marks may have come since they were read last; the caller sets it."""

    def reset(self) -> None:
        """Forget what was put off: everything was read."""
        self._new, self._unread = {}, {}

    @property
    def idle(self) -> bool:
        """Whether there is no mark to read that the reader knows of."""
        return not (self.notified or self._new or self._unread)

    def seconds_until_due(self) -> float:
        """Seconds until `read` has something to do; infinite while it knows of nothing."""
        waits = [0.0] if self.notified or self._new else []
        if self._unread:
            waits.append(self._load_timer.seconds_until_due())
        return max(self._timer.seconds_until_due(), min(waits)) if waits else math.inf

    def read(
        self, content: InMemoryContent, besides: Collection[int]
    ) -> tuple[dict[int, RecordKey], InMemoryContent]:
        """Read marks; gives those that the new content, given too, is up to date with.

        Args:
            content: The content before.
            besides: Ids of marks that wait for their pages.
        """
        with self._timer.run():
            with pipelined(self._engine, SNAPSHOT) as snapshot:
                known = [*besides, *self._new, *self._unread]
                marks, edited = dirty_records.pending(snapshot, MOST_MARKS, known)
                self.notified = len(marks) == MOST_MARKS
                marks = self._put_off(marks, content)
                content, unread = content_cache.refresh(
                    snapshot, content, {*marks.values()}, edited
                )
            self._unread |= {mark: key for mark, key in marks.items() if key in unread}
            marks = {mark: key for mark, key in marks.items() if key not in unread}
            if self._unread and self._load_timer.seconds_until_due() <= 0:
                with self._load_timer.run(), self._snapshots.begin() as connection:
                    content = content_cache.load(connection).with_indexes_of(content)
                marks |= self._new | self._unread
                self.reset()
        return marks, content

    def _put_off(
        self, marks: dict[int, RecordKey], content: InMemoryContent
    ) -> dict[int, RecordKey]:
        """The marks without those of most new tools."""
        self._new |= {
            mark: key
            for mark, key in marks.items()
            if key.kind == "tool" and content.tool(key.key) is None
        }
        new = dict(islice(self._new.items(), MOST_NEW_TOOLS))
        others = {mark: key for mark, key in marks.items() if mark not in self._new}
        self._new = dict(islice(self._new.items(), MOST_NEW_TOOLS, None))
        return others | new
