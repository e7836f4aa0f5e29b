"""The shelves: which tools a reader keeps."""

from collections.abc import Iterable

from projections.folds.ordering import before_data
from projections.folds.registers import Write
from schemas.events import BookmarkAdded, BookmarkRemoved, Event


def bookmark_added(event: Event) -> Iterable[Write]:
    """The newest word of a reader on a tool counts."""
    return (_bookmark(event, kept=True),)


def bookmark_removed(event: Event) -> Iterable[Write]:
    """What was let go stays as an empty place, so that an older bookmark cannot return."""
    return (_bookmark(event, kept=False),)


def _bookmark(event: Event, *, kept: bool) -> Write:
    data = event.data
    assert isinstance(data, BookmarkAdded | BookmarkRemoved)
    # Both events carry the same data, so at equal time and id their types decide.
    order = before_data(event) + event.type.encode()
    return Write("bookmarks", (data.voter, data.tool), order, {"kept": kept, "time": event.time})
