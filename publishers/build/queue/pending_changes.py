"""Changes whose pages are not all built, and what is due once they are."""

from collections import deque
from collections.abc import Iterator, Mapping

import msgspec

from projections.record_keys import RecordKey


class PendingChange(msgspec.Struct, frozen=True):
    """What one look at the marks brought.

    Attributes:
        marks: The keys, by the ids of their rows.
        since: When that was, by the builder's clock.
        position: Of the last page that shows the change; see `PageQueue.add`.
        backfill: Whether pages of the backfill show it as well.
    """

    marks: Mapping[int, RecordKey]
    since: float
    position: int
    backfill: bool = False


class PendingChanges:
    """Changes in the order in which they were read; lost with the process, unlike their marks.

    A change waits for its pages first, and then in a second queue for those of its backfill.
    """

    def __init__(self) -> None:
        self._unseen: deque[PendingChange] = deque()
        self._unbuilt: deque[PendingChange] = deque()
        self._unfilled: deque[PendingChange] = deque()

    def add(self, change: PendingChange) -> None:
        """Wait for the pages of a change."""
        self._unseen.append(change)
        self._unbuilt.append(change)

    def add_backfill(self, change: PendingChange) -> None:
        """Wait for the backfill of a change, all of whose other pages are built."""
        self._unfilled.append(change)

    def delay(self, position: int, *, backfill: bool = False) -> None:
        """Keep all marks until the page at this position is built as well.

        Args:
            position: See `PageQueue.add`.
            backfill: Whether pages of the backfill are among those that were added.
        """
        self._unbuilt = deque(
            msgspec.structs.replace(change, position=position, backfill=change.backfill or backfill)
            for change in self._unbuilt
        )
        if backfill:
            self._unfilled = deque(
                msgspec.structs.replace(change, position=position) for change in self._unfilled
            )

    def marks(self) -> list[int]:
        """The ids of all marks that wait."""
        return [
            mark for changes in (self._unbuilt, self._unfilled) for each in changes
            for mark in each.marks
        ]  # fmt: skip

    def seen(self, first: float) -> Iterator[PendingChange]:
        """Take the changes that people see, where `first` is the first page they wait for."""
        return _take(self._unseen, first)

    def built(self, first: float) -> list[PendingChange]:
        """Take the changes whose pages are all built, where `first` is the queue's first page.

        Those with backfill go on waiting for that.
        """
        built = list(_take(self._unbuilt, first))
        self._unfilled.extend(change for change in built if change.backfill)
        return built

    def filled(self, first: float) -> list[PendingChange]:
        """Take the changes whose backfill is built, where `first` is its first page."""
        return list(_take(self._unfilled, first))


def _take(changes: deque[PendingChange], first: float) -> Iterator[PendingChange]:
    while changes and changes[0].position < first:
        yield changes.popleft()
