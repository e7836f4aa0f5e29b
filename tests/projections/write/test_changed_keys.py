"""What a transaction changed is queued for the relay and marked for the publisher, or neither."""

import psycopg
import pytest
from sqlalchemy import Connection, Engine

from projections import pipeline_state
from projections.record_keys import RecordKey
from projections.write import changed_keys, dirty_records
from schemas.channels import Channel
from schemas.events import Event
from tests.harness.examples import (
    CATEGORY,
    NOON,
    TOOL,
    a_bookmark,
    a_category,
    a_listing,
    a_removal,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration

ANT, BEE = RecordKey("tool", "ant"), RecordKey("tool", "bee")


def pending(engine: Engine) -> dict[int, RecordKey]:
    with engine.connect() as connection:
        return dirty_records.pending(connection, 10_000).keys


def test_a_batch_queues_and_marks_what_it_changes_and_wakes_both_with_one_notification(
    journal: Journal, migrated: str
) -> None:
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute(f"listen {Channel.CHANGED}".encode())
        journal.apply(a_listing(), a_vote(tool="other"))
        assert [notification.payload for notification in connection.notifies(timeout=0.2)] == [""]
    assert journal.outbox() == journal.dirty() == [("tool", "other"), ("tool", TOOL)]


def test_a_batch_that_changes_nothing_wakes_nobody(journal: Journal, migrated: str) -> None:
    journal.apply(a_vote())
    journal.outbox(), journal.dirty()
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute(f"listen {Channel.CHANGED}".encode())
        journal.apply(a_vote())
        assert not list(connection.notifies(timeout=0.2))
    assert journal.outbox() == journal.dirty() == []


def test_a_key_that_stands_for_many_tools_is_queued_and_marks_no_page(journal: Journal) -> None:
    journal.apply(a_category(), a_reviewer())
    assert ("tools-of-category", CATEGORY) in journal.outbox()
    assert journal.dirty() == [("category", CATEGORY), ("reviewer", "builder")]


def test_a_transaction_that_fails_leaves_neither(projected: Engine, journal: Journal) -> None:
    with projected.connect() as connection, connection.begin() as transaction:
        changed_keys.add(connection, [ANT])
        transaction.rollback()
    assert journal.outbox() == journal.dirty() == []


def test_a_mark_alone_is_not_queued(projected: Engine, journal: Journal) -> None:
    with projected.begin() as connection:
        changed_keys.mark(connection, [dirty_records.SITE])
    assert journal.outbox() == []
    assert journal.dirty() == [("site", "")]


def test_marks_that_are_known_are_left_out_and_the_oldest_come_first(projected: Engine) -> None:
    for key in (ANT, BEE):
        with projected.begin() as connection:
            changed_keys.mark(connection, [key])
    first, second = pending(projected)
    with projected.connect() as connection:
        assert dirty_records.pending(connection, 1).keys == {first: ANT}
        assert dirty_records.pending(connection, 1, [first]).keys == {second: BEE}


def test_a_mark_tells_votes_and_bookmarks_from_edits(projected: Engine, journal: Journal) -> None:
    def edited(*events: Event) -> set[RecordKey]:
        journal.dirty()
        journal.apply(*events)
        with projected.connect() as connection:
            return dirty_records.pending(connection, 10).edited

    tool = RecordKey("tool", TOOL)
    assert edited(a_listing(), a_vote()) == {tool}
    assert edited(a_vote(voter="v-2"), a_bookmark(), a_vote(tool="other")) == set()
    assert edited(a_vote(voter="v-3"), a_review()) == {tool}
    assert len(pending(projected)) == 1


def test_merged_are_one_mark_of_each_record_and_one_of_the_site_as_old_as_the_oldest(
    projected: Engine,
) -> None:
    with projected.begin() as connection:
        connection.exec_driver_sql(
            "insert into verdicts.dirty (kind, key, backfill, at)"
            " select 'tool', 'ant', number = 0, now() - number * interval '1 s'"
            " from generate_series(0, 3600) as number"
        )
    with projected.begin() as late:
        changed_keys.mark(late, [BEE])
        with projected.begin() as connection:
            dirty_records.merge(connection)
        with projected.connect() as connection:
            assert ages(connection) == {("site", True): 3600, ("tool", False): 3600}
    assert sorted(pending(projected).values()) == [dirty_records.SITE, ANT, BEE]
    with projected.begin() as connection:
        dirty_records.merge(connection)
        assert ages(connection) == {("site", True): 3600, ("tool", False): 3600}


def test_deferred_marks_are_a_queue_of_their_own(projected: Engine) -> None:
    with projected.begin() as connection:
        changed_keys.mark(connection, [ANT, BEE])
    first, second = pending(projected)
    with projected.begin() as connection:
        dirty_records.defer(connection, [first])
        lengths = {queue.name: queue.length for queue in pipeline_state.queues(connection)}
    assert (lengths["pages"], lengths["backfill"]) == (1, 1)
    assert list(pending(projected)) == [first, second]


def ages(connection: Connection) -> dict[tuple[str, bool], int]:
    """The age in seconds of the oldest mark, by kind and whether it is backfill."""
    rows = connection.exec_driver_sql(
        "select kind, backfill, extract(epoch from now() - min(at))::int as age"
        " from verdicts.dirty group by kind, backfill"
    )
    return {(row.kind, row.backfill): row.age for row in rows}


def test_a_mark_names_the_category_that_a_removed_one_became(
    projected: Engine, journal: Journal
) -> None:
    journal.apply(a_category(), a_listing(), a_removal(into="apps", time=NOON + 1), a_vote())
    with projected.connect() as connection:
        marks = dirty_records.newest(connection, 10)
    assert {mark.category for mark in marks if mark.kind == "tool"} == {"apps"}
