"""The shelves: which tools a reader keeps."""

from collections.abc import Iterable

from projections.folds.ordering import stamp_prefix
from projections.folds.registers import RegisterWrite
from schemas.events import BookmarkAdded, BookmarkRemoved, Event


def bookmark_added(event: Event) -> Iterable[RegisterWrite]:
    """The newest word of a reader on a tool counts."""
    return (_bookmark(event, kept=True),)


def bookmark_removed(event: Event) -> Iterable[RegisterWrite]:
    """What was let go stays as an empty place, so that an older bookmark cannot return."""
    return (_bookmark(event, kept=False),)


def _bookmark(event: Event, *, kept: bool) -> RegisterWrite:
    data = event.data
    assert isinstance(data, BookmarkAdded | BookmarkRemoved)
    # Both events carry the same data, so at equal time and id their types decide.
    order = stamp_prefix(event) + event.type.encode()
    return RegisterWrite(
        "bookmarks", (data.voter, data.tool), order, {"kept": kept, "time": event.time}
    )
