"""The pages to build, most urgent first. Pure: no file, no database, and the clock is given.

A page is in the queue once. Adding it again may raise its priority, never lower it, and keeps its
place. Every render uses the latest content, so one render satisfies all who added the page before.

A page that was built a moment ago rests, so that a tool with many votes leaves time to others. Each
priority has a share of the time for exceptions: while that lasts, pages do not rest, and pages that
have waited come before more urgent ones. So where little changes every page is built at once, and
where much changes each gets its turn.
"""

import math
import time
from collections.abc import Callable, Iterable
from enum import IntEnum
from heapq import heappop, heappush
from itertools import islice
from typing import NamedTuple

from publishers.build.queue.budget import Budget


class Priority(IntEnum):
    """How urgent a page is; the lowest number comes first."""

    TOOL = 0
    """A tool's own page."""
    PEOPLE = 1
    """Other pages that people read, such as comparisons."""
    MACHINES = 2
    """Alternates and feeds."""
    SUMMARIES = 3
    """Pages that sum up many tools, or name a tool in a list."""
    BACKFILL = 4
    """New pages, and all that no single change of a tool asks for, such as a category's new name.

    There may be any number of them, so nobody waits for these.
    """


class Limits(NamedTuple):
    """What a priority may take.

    Attributes:
        share: Of the time, for exceptions from rest and order.
        rest: Seconds from one build of a page to the next.
        wait: Seconds after which a page may come before more urgent ones.
    """

    share: float
    rest: float
    wait: float


# Where processors are short, reading marks takes up to a sixth of the time, and tools' own pages
# nearly three fifths: the others' shares have to fit into the rest.
LIMITS = {
    Priority.TOOL: Limits(0.58, 1.0, 0.0),
    Priority.PEOPLE: Limits(0.1, 1.0, 1.0),
    Priority.MACHINES: Limits(0.05, 1.0, 1.0),
    Priority.SUMMARIES: Limits(0.05, 3.0, 3.0),
    Priority.BACKFILL: Limits(0.05, 1.0, 3.0),
}
OVERDUE_SECONDS = 5.0
"""All but backfill that has waited for so long is built in the order in which it came."""


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
    """The pages of one priority: those that are due, and those that rest, by the end of it."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.budget = Budget(limits.share, clock)
        self.all: list[Page] = []
        self.due: list[Page] = []
        self.resting: list[tuple[float, Page]] = []

    def end_rests(self, now: float) -> None:
        """Make pages due that have rested."""
        while self.resting and self.resting[0][0] <= now:
            heappush(self.due, heappop(self.resting)[1])

    def next(self) -> Page | None:
        """The page to build now: one that is due, or within the budget one that rests."""
        if self.due:
            return self.due[0]
        may_not_rest = self.resting and self.budget.seconds_until_left() <= 0
        return self.resting[0][1] if may_not_rest else None

    def seconds_until_due(self, now: float) -> float:
        """Seconds until `next` gives a page; infinite where there is none."""
        if self.due:
            return 0.0
        if not self.resting:
            return math.inf
        return max(0.0, min(self.resting[0][0] - now, self.budget.seconds_until_left()))


class PageQueue:
    """Pages by priority, and within one by age; see `LIMITS`.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._position = 0
        self._pages: dict[str, Page] = {}
        self._built: dict[str, float] = {}  # when, oldest first
        self._lanes = {priority: _Lane(limits, clock) for priority, limits in LIMITS.items()}

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
        """The most urgent page that is due; it stays in the queue until `built`."""
        now = self._clock()
        for lane in self._lanes.values():
            lane.end_rests(now)
            self._clean(lane)
        pages = [page for lane in self._lanes.values() if (page := lane.next())]
        return min(pages, key=lambda page: (self._rank(page, now), page.position), default=None)

    def built(self, page: Page, seconds: float) -> None:
        """Take a page out of the queue; building it took so many seconds.

        It may have become more urgent since `next` gave it.
        """
        now = self._clock()
        queued = self._pages.pop(page.path)
        self._lanes[page.priority].budget.spend(seconds)
        self._clean(self._lanes[queued.priority])
        self._built.pop(page.path, None)
        self._built[page.path] = now
        self._forget(now)

    def first(self, priority: Priority) -> float:
        """The lowest position of a page that is at least this urgent; infinite if there is none."""
        lanes = [lane for each, lane in self._lanes.items() if each <= priority]
        return min((lane.all[0].position for lane in lanes if lane.all), default=math.inf)

    def count(self, priority: Priority) -> int:
        """How many pages of a priority wait; one that became more urgent may count twice."""
        return len(self._lanes[priority].all)

    def seconds_until_due(self) -> float:
        """Seconds until `next` gives a page; infinite while the queue is empty."""
        now = self._clock()
        return min(lane.seconds_until_due(now) for lane in self._lanes.values())

    def _rank(self, page: Page, now: float) -> Priority:
        lane, waited = self._lanes[page.priority], now - page.since
        if waited >= lane.limits.wait and lane.budget.seconds_until_left() <= 0:
            return Priority.TOOL
        if waited >= OVERDUE_SECONDS and page.priority < Priority.BACKFILL:
            return min(page.priority, Priority.PEOPLE)
        return page.priority

    def _push(self, page: Page) -> None:
        before = self._pages.get(page.path)
        self._pages[page.path] = page
        lane = self._lanes[page.priority]
        heappush(lane.all, page)
        rested = self._built.get(page.path, -math.inf) + lane.limits.rest
        if rested > self._clock():
            heappush(lane.resting, (rested, page))
        else:
            heappush(lane.due, page)
        if before is not None:
            self._clean(self._lanes[before.priority])

    def _clean(self, lane: _Lane) -> None:
        """Remove pages from a lane's fronts that were built, or that moved to another lane."""
        for pages in (lane.all, lane.due):
            while pages and self._is_gone(pages[0]):
                heappop(pages)
        while lane.resting and self._is_gone(lane.resting[0][1]):
            heappop(lane.resting)

    def _is_gone(self, page: Page) -> bool:
        return self._pages.get(page.path) != page

    def _forget(self, now: float) -> None:
        """Forget builds so long ago that no page rests after them."""
        longest = max(limits.rest for limits in LIMITS.values())
        for path, at in list(islice(self._built.items(), 2)):
            if at + longest < now:
                del self._built[path]
