"""Changes whose pages are not all built, and what is due once they are."""

from collections import deque
from collections.abc import Iterator, Mapping

import msgspec

from projections.write.outbox import RecordKey


class PendingChange(msgspec.Struct, frozen=True):
    """What one look at the marks brought.

    Attributes:
        marks: The keys, by the ids of their rows.
        since: When that was, by the builder's clock.
        position: Of the last page that shows the change; see `PageQueue.add`.
    """

    marks: Mapping[int, RecordKey]
    since: float
    position: int


class PendingChanges:
    """Changes in the order in which they were read; lost with the process, unlike their marks."""

    def __init__(self) -> None:
        self._unseen: deque[PendingChange] = deque()
        self._unbuilt: deque[PendingChange] = deque()

    def add(self, change: PendingChange) -> None:
        """Wait for the pages of a change."""
        self._unseen.append(change)
        self._unbuilt.append(change)

    def delay(self, position: int) -> None:
        """Keep all marks until the page at this position is built as well."""
        delayed = (msgspec.structs.replace(change, position=position) for change in self._unbuilt)
        self._unbuilt = deque(delayed)

    def marks(self) -> list[int]:
        """The ids of all marks that wait."""
        return [mark for change in self._unbuilt for mark in change.marks]

    def seen(self, first: float) -> Iterator[PendingChange]:
        """Take the changes that people see, where `first` is the first page they wait for."""
        while self._unseen and self._unseen[0].position < first:
            yield self._unseen.popleft()

    def built(self, first: float) -> list[int]:
        """Take the marks whose pages are all built, where `first` is the queue's first page."""
        marks: list[int] = []
        while self._unbuilt and self._unbuilt[0].position < first:
            marks += self._unbuilt.popleft().marks
        return marks
