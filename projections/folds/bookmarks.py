"""Bookmarks: which tools a reader keeps."""

from collections.abc import Iterable

from projections.folds.ordering import stamp_prefix
from projections.folds.registers import RegisterWrite
from schemas.events import BookmarkAdded, BookmarkRemoved, Event


def bookmark_added(event: Event[BookmarkAdded]) -> Iterable[RegisterWrite]:
    """Keep a tool for a reader, from the time of the newest bookmark."""
    return (_bookmark(event, saved=True),)


def bookmark_removed(event: Event[BookmarkRemoved]) -> Iterable[RegisterWrite]:
    """Empty a reader's bookmark; the empty register keeps older bookmarks from returning."""
    return (_bookmark(event, saved=False),)


def _bookmark(event: Event[BookmarkAdded | BookmarkRemoved], *, saved: bool) -> RegisterWrite:
    # Both events carry the same data, so at equal time and id their types decide.
    stamp = stamp_prefix(event) + event.type.encode()
    key = event.data.voter, event.data.tool
    return RegisterWrite("bookmarks", key, stamp, {"kept": saved, "time": event.time})
