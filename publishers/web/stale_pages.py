"""Pages rendered on request: their stored files are behind the projections, or they have none.

The publisher needs a moment for each changed page, and longer where much changed. A visitor who
votes and then reads must see the vote at once, so the marks that the publisher works off are looked
at before a stored page is served. The marks are read once for all requests that arrive together,
and a page is rendered once per version, however many ask for it.

The version of a page whose file is behind is the marks that concern it, and the version of its
file: a mark may have come and gone while nobody looked, and then the file is another one. A page
without a file, such as a comparison across categories, has that of the records that it shows.
"""

import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from infra.runtime.shared_reads import SharedRead
from projections.write.dirty_records import Mark
from publishers.pages import catalogue
from publishers.render_cache import CacheTable, page_cache
from publishers.web.responses import SiteResponse

MOST_MARKS = 5_000
"""Marks to look at. Where there are as many, every page counts as stale."""
MAX_WAITING = 64
"""Requests that wait for a render at once; the next ones get what is there."""
OVERLOAD_AGE = 0.25
"""Seconds that a rendered page may be old while all renderers are busy."""
PAUSE_AFTER_ERROR = 1.0
"""Seconds without looking at the marks after the database did not answer."""

ReadMarks = Callable[[int], Awaitable[Sequence[Mark]]]
FileVersion = Callable[[str], Awaitable[Hashable]]
Render = Callable[[str], Awaitable[SiteResponse]]


class _Rendered(NamedTuple):
    """A page as of some moment after its version was read.

    Attributes:
        version: Of what the page shows.
        at: When the render began, by the clock.
        response: The page.
    """

    version: Hashable
    at: float
    response: SiteResponse


class StalePages:
    """Renders pages that are newer than their files.

    Args:
        read_marks: Reads at most so many marks, newest first.
        file_version: Differs whenever the file of a path was written anew.
        render: Renders a page from a snapshot that it opens.
        renderers: How many renders may run at once.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        read_marks: ReadMarks,
        file_version: FileVersion,
        render: Render,
        renderers: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._marks = SharedRead(lambda: read_marks(MOST_MARKS))
        self._file_version = file_version
        self._render = render
        self._renderers = renderers
        self._clock = clock
        self._renders: dict[str, SharedRead[_Rendered]] = {}
        self._rendered: CacheTable[str, _Rendered] = page_cache.by_key()
        self._wanted: dict[str, Hashable] = {}
        self._waiting = 0
        self._paused_until = 0.0

    async def respond(self, path: str) -> SiteResponse | None:
        """The page as the projections have it; None where the stored file is to be served.

        That is so while the file is current, while the database is away, and under overload.
        """
        now = self._clock()
        if now < self._paused_until or not catalogue.shows_votes(path):
            return None
        try:
            marks = concerned(path, await self._marks.get())
            if not marks:
                return None
            version = marks, await self._file_version(path)
            return await self._current(path, version, now, self._render)
        except SQLAlchemyError:
            self._paused_until = self._clock() + PAUSE_AFTER_ERROR
            return None

    async def respond_without_file(
        self, path: str, version: Hashable, render: Render
    ) -> SiteResponse:
        """The page of a path without a stored file.

        Args:
            path: Names the page, with a query where that changes it.
            version: Of everything that the page shows, read after the request came.
            render: Renders the page; it may wait longer than where a file stands in.
        """
        return await self._current(path, version, self._clock(), render) or await render(path)

    async def _current(
        self, path: str, version: Hashable, asked: float, render: Render
    ) -> SiteResponse | None:
        rendered = self._rendered.get(path)
        if rendered is not None:
            recent = asked - rendered.at <= OVERLOAD_AGE
            if rendered.version == version or (recent and len(self._renders) >= self._renderers):
                return rendered.response
        if self._waiting >= MAX_WAITING:
            return None
        self._wanted[path] = version
        shared = self._renders.get(path)
        if shared is None:
            shared = self._renders[path] = SharedRead(lambda: self._render_now(path, render))
        self._waiting += 1
        try:
            return (await shared.get()).response
        finally:
            self._waiting -= 1
            if shared.idle:
                self._renders.pop(path, None)
                self._wanted.pop(path, None)

    async def _render_now(self, path: str, render: Render) -> _Rendered:
        # The snapshot is opened after the version was read, so it holds at least its changes.
        rendered = _Rendered(self._wanted[path], self._clock(), await render(path))
        self._rendered.put(path, rendered)
        return rendered


def concerned(path: str, marks: Sequence[Mark]) -> frozenset[int]:
    """The ids of the marks whose records a page shows, as far as votes go.

    A tool's votes are on its own page, its comparisons, their alternates, and on the pages that sum
    up many tools. Where another tool's page names it in a list, the publisher brings that.
    """
    if len(marks) >= MOST_MARKS:
        return frozenset(mark.id for mark in marks)
    subjects = catalogue.subject_slugs(path)
    category = catalogue.category_of(path)
    return frozenset(
        mark.id
        for mark in marks
        if mark.kind != "tool"
        or (mark.key in subjects if subjects else category in (None, mark.category))
    )
