import pytest
from sqlalchemy import text

from projections.read import changed_records
from projections.read.categories import find_category
from projections.read.reviewers import find_reviewer
from projections.read.tools import find_tool, list_tools
from projections.record_keys import RecordKey
from projections.write import outbox
from schemas import digests
from schemas.digests import Digest
from tests.harness.digest_records import a_digest as a_weekly_digest
from tests.harness.examples import (
    CATEGORY,
    OTHER_TOOL,
    TOOL,
    a_category,
    a_digest,
    a_listing,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration


def test_a_category_key_is_spread_to_its_tools_with_a_new_version_each(journal: Journal) -> None:
    journal.apply(a_listing("one"), a_listing("two"), a_listing("far", category="writing"))
    before = {tool.tool: tool.version for tool in journal.read(list_tools)}
    journal.outbox(), journal.dirty()
    journal.apply(a_category())
    with journal.engine.begin() as connection:
        changed_records.expand_shared_keys(connection)
    keys = [("category", CATEGORY), ("tool", "one"), ("tool", "two")]
    assert journal.outbox() == keys
    assert journal.dirty() == keys  # so the publisher announces the new versions
    after = {tool.tool: tool.version for tool in journal.read(list_tools)}
    assert [slug for slug in sorted(after) if after[slug] > before[slug]] == ["one", "two"]


def test_a_reviewer_key_is_spread_to_the_tools_ever_reviewed(journal: Journal) -> None:
    journal.apply(a_listing(), a_review(), a_listing(OTHER_TOOL))
    journal.outbox()
    journal.apply(a_reviewer())
    with journal.engine.begin() as connection:
        changed_records.expand_shared_keys(connection)
    assert journal.outbox() == [("reviewer", "builder"), ("tool", TOOL)]


def test_keys_become_whole_records_or_nothing(journal: Journal) -> None:
    digest = digests.write(a_weekly_digest("2026-W47"))
    journal.apply(a_listing(), a_category(), a_reviewer(), a_digest(digest=digest))
    journal.apply(a_vote(tool="unlisted"), a_digest("2026-W46", "no digest"))
    keys = [
        RecordKey("tool", TOOL), RecordKey("tool", "unlisted"), RecordKey("category", CATEGORY),
        RecordKey("reviewer", "builder"),
        *(RecordKey("digest", week) for week in ("2026-W47", "2026-W46", "2026-W01")),
    ]  # fmt: skip
    records = journal.read(changed_records.look_up, keys)
    assert records[RecordKey("tool", TOOL)] == journal.read(find_tool, TOOL)
    assert records[RecordKey("category", CATEGORY)] == journal.read(find_category, CATEGORY)
    assert records[RecordKey("reviewer", "builder")] == journal.read(find_reviewer, "builder")
    published = records[RecordKey("digest", "2026-W47")]
    assert published == Digest.of(a_weekly_digest("2026-W47"), published.version)
    assert records[RecordKey("digest", "2026-W46")] is None  # `/v1/digests` shows none either
    assert records[RecordKey("tool", "unlisted")] is None
    assert records[RecordKey("digest", "2026-W01")] is None


def test_records_are_queued_to_be_published_again_and_their_pages_are_not(
    journal: Journal,
) -> None:
    journal.apply(a_listing(), a_category(), a_reviewer(), a_digest())
    journal.outbox(), journal.dirty()
    with journal.engine.begin() as connection:
        assert changed_records.republish(connection, ["digest"]) == 1
        assert changed_records.republish(connection) == 4
    everything = {("tool", TOOL), ("category", CATEGORY), ("reviewer", "builder")}
    assert set(journal.outbox()) == everything | {("digest", "2026-W47")}
    assert journal.dirty() == []


def test_a_key_of_a_later_change_is_not_deleted_with_the_others(journal: Journal) -> None:
    journal.apply(a_listing())
    with journal.engine.begin() as connection:
        waiting = outbox.pending(connection, 10)
    journal.apply(a_vote())
    with journal.engine.begin() as connection:
        outbox.delete(connection, waiting)
    assert journal.outbox() == [("tool", TOOL)]


def test_deleting_keys_waits_for_no_disk_and_leaves_other_transactions_as_they_are(
    journal: Journal,
) -> None:
    asked = text("show synchronous_commit")
    with journal.engine.connect() as connection:
        with connection.begin():
            outbox.delete(connection, [])
            assert connection.scalar(asked) == "off"
        assert connection.scalar(asked) == "on"
