"""A change waits for its pages: first for those that people read, then for all."""

import math

from projections.record_keys import RecordKey
from publishers.build.queue.pending_changes import PendingChange, PendingChanges

ANT, BEE = RecordKey("tool", "ant"), RecordKey("tool", "bee")
FIRST = PendingChange({1: ANT, 2: ANT}, since=0.0, position=10)
SECOND = PendingChange({3: BEE}, since=0.0, position=20)


def pending() -> PendingChanges:
    changes = PendingChanges()
    changes.add(FIRST)
    changes.add(SECOND)
    return changes


def test_changes_are_seen_once_and_only_when_no_earlier_page_is_queued() -> None:
    changes = pending()
    assert list(changes.seen(10)) == []
    assert list(changes.seen(11)) == [FIRST]
    assert list(changes.seen(math.inf)) == [SECOND]
    assert list(changes.seen(math.inf)) == []


def test_marks_are_built_once_and_wait_until_then() -> None:
    changes = pending()
    list(changes.seen(math.inf))
    assert changes.marks() == [1, 2, 3]
    assert changes.built(20) == [FIRST]
    assert changes.marks() == [3]
    assert changes.built(21) == [SECOND]


def test_delayed_marks_wait_for_a_later_page() -> None:
    changes = pending()
    changes.delay(30)
    assert changes.built(21) == []
    assert [change.marks for change in changes.built(31)] == [FIRST.marks, SECOND.marks]


def test_a_change_with_backfill_waits_for_it_and_holds_up_no_other() -> None:
    changes = PendingChanges()
    listing = PendingChange({4: ANT}, since=0.0, position=5, backfill=True)
    changes.add(listing)
    changes.add(FIRST)
    assert changes.filled(math.inf) == []
    assert changes.built(11) == [listing, FIRST]
    assert changes.marks() == [4]
    assert changes.filled(5) == []
    assert changes.filled(6) == [listing]
    assert changes.marks() == []


def test_pages_that_a_week_adds_to_the_backfill_keep_all_marks() -> None:
    changes = pending()
    changes.delay(30, backfill=True)
    assert [change.backfill for change in changes.built(math.inf)] == [True, True]
    assert changes.filled(30) == []
    assert len(changes.filled(31)) == 2
