"""The pages to build, most urgent first. Pure: no file, no database, and the clock is given.

A page is in the queue once. Adding it again may raise its priority, never lower it, and keeps its
place. Every render uses the latest content, so one render satisfies all who added the page before.
"""

import math
import time
from collections.abc import Callable, Iterable
from enum import IntEnum
from heapq import heappop, heappush
from typing import NamedTuple

from publishers.build.queue.throttle import Throttle


class Priority(IntEnum):
    """How urgent a page is; the lowest number comes first."""

    TOOL = 0
    """A tool's own page."""
    PEOPLE = 1
    """Other pages that people read, such as comparisons."""
    MACHINES = 2
    """Alternates and feeds."""
    SUMMARIES = 3
    """Pages that sum up many tools. They wait so that several changes share one render."""


# A busy tool's page is built about thirty times a second, and not for each of a thousand votes.
THROTTLES = {
    Priority.TOOL: Throttle(0.5, 0.03, 0.2),
    Priority.PEOPLE: Throttle(0.3, 0.0, 1.0),
    Priority.MACHINES: Throttle(0.3, 0.0, 1.0),
    Priority.SUMMARIES: Throttle(0.1, 0.3, 3.0),
}


class Page(NamedTuple):
    """A page in the queue.

    Attributes:
        position: Grows with each page that is added.
        path: The page's path.
        priority: How urgent it is.
        since: When it was added, by the queue's clock.
    """

    position: int
    path: str
    priority: Priority
    since: float


class _Lane:
    """The pages of one priority. A run is the pages that were here when it started."""

    def __init__(self, throttle: Throttle) -> None:
        self.throttle = throttle
        self.pages: list[Page] = []
        self.due = 0.0
        self.running = False
        self._last = 0  # position of the run's last page
        self._began = self._seconds = 0.0

    def start(self, now: float, last: int) -> None:
        """Start a run of the pages up to this position."""
        self._began, self._seconds, self._last, self.running = now, 0.0, last, True

    def end_if_over(self) -> None:
        """End the run where none of its pages is left."""
        self.running = self.running and bool(self.pages) and self.pages[0].position <= self._last

    def built(self, seconds: float) -> None:
        """Count a page, and choose when the next run starts."""
        self._seconds += seconds
        self.due = self._began + self.throttle.interval(self._seconds)


class PageQueue:
    """Pages by priority, and within one by age; see `THROTTLES` for how often each has a run.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._position = 0
        self._pages: dict[str, Page] = {}
        self._lanes = {priority: _Lane(throttle) for priority, throttle in THROTTLES.items()}

    def __len__(self) -> int:
        return len(self._pages)

    def add(self, paths: Iterable[str], priority: Priority) -> int:
        """Add pages; gives the position of the last one.

        All pages added so far are built once `first` is greater than this position.
        """
        now = self._clock()
        for path in paths:
            queued = self._pages.get(path)
            if queued is None:
                self._position += 1
                self._push(Page(self._position, path, priority, now))
            elif priority < queued.priority:
                self._push(queued._replace(priority=priority))
        return self._position

    def next(self) -> Page | None:
        """The most urgent page that is due; it stays in the queue until `built`.

        A page that waited for its lane's longest interval is as urgent as those that people read.
        """
        now = self._clock()
        running = [lane.pages[0] for lane in self._lanes.values() if self._runs(lane, now)]
        return min(running, key=lambda page: (self._rank(page, now), page.position), default=None)

    def built(self, page: Page, seconds: float) -> None:
        """Take a page out of the queue; building it took so many seconds."""
        del self._pages[page.path]
        lane = self._lanes[page.priority]
        lane.built(seconds)
        self._clean(lane)

    def first(self, priority: Priority) -> float:
        """The lowest position of a page that is at least this urgent; infinite if there is none."""
        lanes = [lane for each, lane in self._lanes.items() if each <= priority]
        return min((lane.pages[0].position for lane in lanes if lane.pages), default=math.inf)

    def seconds_until_due(self) -> float:
        """Seconds until `next` gives a page; infinite while the queue is empty."""
        now = self._clock()
        return max(0.0, min(self._start(lane) for lane in self._lanes.values()) - now)

    def _runs(self, lane: _Lane, now: float) -> bool:
        if not lane.running and self._start(lane) <= now:
            lane.start(now, self._position)
        return lane.running

    def _start(self, lane: _Lane) -> float:
        """When a lane has a page due, by the clock."""
        if not lane.pages:
            return math.inf
        if lane.running:
            return 0.0
        page = lane.pages[0]
        if page.priority == Priority.MACHINES and math.isfinite(self.first(Priority.PEOPLE)):
            return max(lane.due, page.since + lane.throttle.max_interval)
        return lane.due

    def _rank(self, page: Page, now: float) -> Priority:
        overdue = now - page.since >= THROTTLES[page.priority].max_interval
        return min(page.priority, Priority.PEOPLE) if overdue else page.priority

    def _push(self, page: Page) -> None:
        before = self._pages.get(page.path)
        self._pages[page.path] = page
        heappush(self._lanes[page.priority].pages, page)
        if before is not None:
            self._clean(self._lanes[before.priority])

    def _clean(self, lane: _Lane) -> None:
        """Remove pages from a lane's front that were built, or that moved to another lane."""
        while lane.pages and self._pages.get(lane.pages[0].path) != lane.pages[0]:
            heappop(lane.pages)
        lane.end_if_over()
