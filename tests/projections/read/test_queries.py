"""References are resolved when read, in whatever order their two ends came."""

import pytest
from sqlalchemy import Engine, text

from projections.read import changed_records
from projections.read.categories import find_category, list_categories
from projections.read.offsets import read_applied_offsets
from projections.read.reviewers import find_reviewer, list_reviewers, list_reviews_by
from projections.read.tools import find_tool, list_tools, read_tallies
from projections.read.voters import list_bookmarks, list_own_votes, list_saved_tools, read_choices
from projections.write import outbox
from projections.write.outbox import RecordKey
from schemas.time.instants import to_datetime
from tests.harness.examples import (
    CATEGORY,
    DAY,
    MINUTE,
    NOON,
    OTHER_TOOL,
    TOOL,
    a_bookmark,
    a_category,
    a_digest,
    a_listing,
    a_removed_bookmark,
    a_retirement,
    a_retracted_review,
    a_retracted_vote,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration

LATER = NOON + MINUTE


@pytest.fixture
def journal(projected: Engine) -> Journal:
    return Journal(projected)


def test_votes_wait_for_their_tool(journal: Journal) -> None:
    journal.apply(a_vote(), a_bookmark())
    assert journal.read(find_tool, TOOL) is None
    assert journal.read(read_tallies, [TOOL]) == {}
    assert journal.read(list_bookmarks, "v-1") == []
    journal.apply(a_listing())
    tool = journal.read(find_tool, TOOL)
    assert (tool.community.ship, tool.bookmarks) == (1, 1)
    assert journal.read(list_bookmarks, "v-1") == [TOOL]


def test_a_tool_without_votes_has_a_tally_of_nothing(journal: Journal) -> None:
    journal.apply(a_listing())
    tally = journal.read(read_tallies, [TOOL])[TOOL]
    assert (tally.community.verdict, tally.community.percent) == ("none", None)


def test_a_review_waits_for_its_reviewer_and_its_tool(journal: Journal) -> None:
    journal.apply(a_review())
    assert journal.read(list_reviews_by, "builder") == []
    journal.apply(a_listing())
    assert journal.read(find_tool, TOOL).panel.reviews == []
    journal.apply(a_reviewer())
    assert [it.reviewer for it in journal.read(find_tool, TOOL).panel.reviews] == ["builder"]
    assert [it.tool for it in journal.read(list_reviews_by, "builder")] == [TOOL]


def test_reviews_stand_in_the_order_of_the_reviewers(journal: Journal) -> None:
    names = {"zoe": 1, "ann": 2, "bob": 2}
    journal.apply(
        a_listing(),
        *(a_reviewer(who, who.title(), place) for who, place in names.items()),
        *(a_review(reviewer=who) for who in names),
    )
    found = [it.reviewer for it in journal.read(find_tool, TOOL).panel.reviews]
    assert found == [it.reviewer for it in journal.read(list_reviewers)] == ["zoe", "ann", "bob"]


def test_a_retracted_review_is_gone_until_a_newer_one(journal: Journal) -> None:
    journal.apply(a_listing(), a_reviewer(), a_review(), a_retracted_review(time=LATER))
    assert journal.read(find_tool, TOOL).panel.mean is None
    journal.apply(a_review(70, time=LATER - 1))
    assert journal.read(find_tool, TOOL).panel.mean is None
    journal.apply(a_review(90, time=LATER + 1))
    assert journal.read(find_tool, TOOL).panel.mean == 90.0
    assert len(journal.rows("revisions")) == 4


def test_an_undefined_category_shows_its_slug(journal: Journal) -> None:
    journal.apply(a_listing(category="writing"))
    assert journal.read(find_tool, TOOL).category.name == "writing"
    assert journal.read(find_category, "writing").name == "writing"
    assert [it.name for it in journal.read(list_categories)] == ["writing"]
    journal.apply(a_category("writing", "Writing"))
    assert journal.read(find_tool, TOOL).category.name == "Writing"
    assert [it.name for it in journal.read(list_categories)] == ["Writing"]


def test_a_category_that_nothing_names_is_none(journal: Journal) -> None:
    assert journal.read(find_category, "writing") is None


def test_a_retirement_is_over_when_the_tool_is_listed_later(journal: Journal) -> None:
    journal.apply(a_listing(), a_retirement(time=LATER))
    tool = journal.read(find_tool, TOOL)
    assert (tool.retired, tool.retired_reason) == (to_datetime(LATER), "Its maker closed it.")
    assert journal.read(list_tools) == []
    assert [it.tool for it in journal.read(list_tools, retired=True)] == [TOOL]
    journal.apply(a_listing(time=LATER + 1))
    tool = journal.read(find_tool, TOOL)
    assert (tool.retired, tool.retired_reason) == (None, None)
    assert [it.tool for it in journal.read(list_tools)] == [TOOL]


def test_a_retirement_before_the_first_listing_retires_nothing(journal: Journal) -> None:
    journal.apply(a_retirement(), a_listing(time=LATER))
    assert journal.read(find_tool, TOOL).retired is None


def test_a_tool_that_was_only_retired_is_not_listed(journal: Journal) -> None:
    journal.apply(a_retirement())
    assert journal.read(find_tool, TOOL) is None
    assert journal.read(list_tools, retired=True) == []


def test_a_tool_is_listed_since_the_first_of_all_listings(journal: Journal) -> None:
    journal.apply(a_listing(time=LATER))
    journal.apply(a_listing(name="Older name", time=NOON))
    tool = journal.read(find_tool, TOOL)
    assert (tool.listed, tool.name) == (to_datetime(NOON), "SmolVLM 2.5")


def test_a_tool_is_best_for_its_tagline_where_nothing_else_is_said(journal: Journal) -> None:
    journal.apply(a_listing(tagline="Sees."))
    assert journal.read(find_tool, TOOL).best_for == "Sees."


def test_tools_come_in_pages_by_slug(journal: Journal) -> None:
    slugs = ["a", "a-1", "a1", "b", "c"]
    journal.apply(*(a_listing(slug) for slug in reversed(slugs)), a_retirement("b", time=LATER))
    first = journal.read(list_tools, limit=2)
    assert [it.tool for it in first] == ["a", "a-1"]
    rest = journal.read(list_tools, limit=10, after="a-1")
    assert [it.tool for it in rest] == ["a1", "c"]


def test_bookmarks_come_with_the_last_kept_first(journal: Journal) -> None:
    kept = [a_bookmark(tool=tool, time=NOON + n) for n, tool in enumerate(["b", "c", "a"])]
    journal.apply(*(a_listing(tool) for tool in "abc"), *kept)
    assert journal.read(list_bookmarks, "v-1") == ["a", "c", "b"]
    journal.apply(a_removed_bookmark(tool="c", time=NOON + DAY))
    assert journal.read(list_bookmarks, "v-1") == ["a", "b"]


def test_a_voters_choices_are_theirs_alone(journal: Journal) -> None:
    journal.apply(a_vote(), a_vote("skip", tool=OTHER_TOOL), a_vote("skip", voter="v-2"))
    assert journal.read(read_choices, "v-1") == {TOOL: "ship", OTHER_TOOL: "skip"}


def test_no_text_is_taken_for_sql_or_json(journal: Journal) -> None:
    texts = [
        "%s %(name)s {x}",
        "'; drop table tools; --",
        '"\\u0000"',
        "\\x00",
        "{}",
        "null",
        "é😀",
    ]
    for number, said in enumerate(texts):
        journal.apply(a_listing(name=said, tagline=said, time=NOON + number))
        assert journal.read(find_tool, TOOL).name == said
        journal.apply(a_vote(voter=said))
        assert journal.read(read_choices, said) == {TOOL: "ship"}


def test_a_category_key_is_spread_to_its_tools_with_a_new_version_each(journal: Journal) -> None:
    journal.apply(a_listing("one"), a_listing("two"), a_listing("far", category="writing"))
    before = {it.tool: it.version for it in journal.read(list_tools)}
    journal.outbox(), journal.dirty()
    journal.apply(a_category())
    with journal.engine.begin() as connection:
        changed_records.expand_shared_keys(connection)
    keys = [("category", CATEGORY), ("tool", "one"), ("tool", "two")]
    assert journal.outbox() == keys
    assert journal.dirty() == keys  # so the publisher announces the new versions
    after = {it.tool: it.version for it in journal.read(list_tools)}
    assert [slug for slug in sorted(after) if after[slug] > before[slug]] == ["one", "two"]


def test_a_reviewer_key_is_spread_to_the_tools_ever_reviewed(journal: Journal) -> None:
    journal.apply(a_listing(), a_review(), a_listing(OTHER_TOOL))
    journal.outbox()
    journal.apply(a_reviewer())
    with journal.engine.begin() as connection:
        changed_records.expand_shared_keys(connection)
    assert journal.outbox() == [("reviewer", "builder"), ("tool", TOOL)]


def test_keys_become_whole_records_or_nothing(journal: Journal) -> None:
    journal.apply(a_listing(), a_category(), a_reviewer(), a_digest(), a_vote(tool="unlisted"))
    keys = [
        RecordKey("tool", TOOL), RecordKey("tool", "unlisted"), RecordKey("category", CATEGORY),
        RecordKey("reviewer", "builder"),
        RecordKey("digest", "2026-W47"), RecordKey("digest", "2026-W01"),
    ]  # fmt: skip
    found = journal.read(changed_records.look_up, keys)
    assert found[RecordKey("tool", TOOL)] == journal.read(find_tool, TOOL)
    assert found[RecordKey("category", CATEGORY)] == journal.read(find_category, CATEGORY)
    assert found[RecordKey("reviewer", "builder")] == journal.read(find_reviewer, "builder")
    assert found[RecordKey("digest", "2026-W47")].frozen
    assert found[RecordKey("tool", "unlisted")] is None
    assert found[RecordKey("digest", "2026-W01")] is None


def test_a_key_that_came_meanwhile_is_not_forgotten_with_the_others(journal: Journal) -> None:
    journal.apply(a_listing())
    with journal.engine.begin() as connection:
        waiting = outbox.pending(connection, 10)
    journal.apply(a_vote())
    with journal.engine.begin() as connection:
        outbox.delete(connection, waiting)
    assert journal.outbox() == [("tool", TOOL)]


def test_forgetting_waits_for_no_disk_and_leaves_other_transactions_as_they_are(
    journal: Journal,
) -> None:
    asked = text("show synchronous_commit")
    with journal.engine.connect() as connection:
        with connection.begin():
            outbox.delete(connection, [])
            assert connection.scalar(asked) == "off"
        assert connection.scalar(asked) == "on"


def test_progress_is_told_by_topic_and_partition(journal: Journal) -> None:
    journal.apply(a_listing(), a_vote())
    assert journal.read(read_applied_offsets, ["tests.journal"]) == {("tests.journal", 0): 2}
    assert journal.read(read_applied_offsets, ["another"]) == {}


def test_every_key_column_compares_as_bytes(journal: Journal) -> None:
    with journal.engine.connect() as connection:
        unlike = connection.scalars(
            text(
                "select table_name || '.' || column_name from information_schema.columns "
                "join information_schema.key_column_usage using "
                "(table_schema, table_name, column_name) "
                "where table_schema = current_schema() and data_type = 'text' "
                "and collation_name is distinct from 'C'"
            )
        )
        assert list(unlike) == []


def test_a_voters_own_votes_and_bookmarks_are_read_with_their_names_and_times(
    journal: Journal,
) -> None:
    journal.apply(
        a_listing("alpha"),
        a_listing("beta"),
        a_bookmark(tool="alpha", voter="v"),
        a_vote("ship", tool="alpha", voter="v"),
        a_vote("skip", tool="beta", voter="v", time=NOON + MINUTE),
        a_vote("ship", tool="unlisted", voter="v"),
        a_vote("ship", tool="beta", voter="w"),
        a_retracted_vote(tool="alpha", voter="w"),
    )
    votes = journal.read(list_own_votes, "v")
    assert [(it.tool, it.choice) for it in votes] == [("beta", "skip"), ("alpha", "ship")]
    assert (votes[0].time - votes[1].time).total_seconds() == MINUTE / 1_000_000
    (kept,) = journal.read(list_saved_tools, "v")
    assert (kept.tool, kept.time) == ("alpha", to_datetime(NOON))
