"""One transaction per batch: the fence, the versions and the outbox."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, OperationalError

from infra.consumer.protocols import Applied, CheckpointMismatch, Mismatch, Refused
from infra.postgres.engine import create_engine
from projections.read.categories import find_category
from projections.read.tools import find_tool, read_tallies
from projections.write import checkpoints, store
from projections.write.store import Batch
from schemas.channels import Channel
from schemas.events import Event
from schemas.records import Choice
from tests.harness.examples import (
    CATEGORY,
    MINUTE,
    NOON,
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
from tests.harness.journal import TOPIC_PARTITION, Journal

pytestmark = pytest.mark.integration

LATER = NOON + MINUTE


def stored(journal: Journal) -> int:
    return journal.read(checkpoints.stored, journal.topic_partition)


def version(journal: Journal, tool: str = TOOL) -> int:
    return journal.read(read_tallies, [tool])[tool].version


def test_a_batch_and_its_checkpoint_are_there_together(journal: Journal) -> None:
    store.apply(journal.engine, [Batch(TOPIC_PARTITION, 0, 7, [a_listing()])])
    assert stored(journal) == 7
    assert journal.read(find_tool, TOOL).tool == TOOL


@pytest.mark.parametrize("expected", [0, 6, 8, 700])
def test_a_batch_that_misses_its_checkpoint_is_told_where_it_stands(
    journal: Journal, expected: int
) -> None:
    store.apply(journal.engine, [Batch(TOPIC_PARTITION, 0, 7, [a_listing()])])
    journal.outbox()
    with pytest.raises(CheckpointMismatch) as missed:
        store.apply(journal.engine, [Batch(TOPIC_PARTITION, expected, expected + 1, [a_vote()])])
    assert missed.value.stored == 7
    assert stored(journal) == 7
    assert journal.rows("ballots") == []
    assert journal.outbox() == []


def test_rows_that_the_database_refuses_take_checkpoint_and_all_rows_with_them(
    journal: Journal,
) -> None:
    with pytest.raises(Exception, match="cannot be converted"):
        store.apply(
            journal.engine, [Batch(TOPIC_PARTITION, 0, 2, [a_listing(), a_digest(digest="\0")])]
        )
    assert stored(journal) == 0
    assert journal.read(find_tool, TOOL) is None
    assert journal.outbox() == []


def test_a_checkpoint_can_move_without_any_event(journal: Journal) -> None:
    store.apply(journal.engine, [Batch(TOPIC_PARTITION, 0, 3, [])])
    assert stored(journal) == 3


def test_two_that_hold_the_same_batch_apply_it_once(journal: Journal) -> None:
    journal.apply(a_listing())

    def attempt(_: int) -> bool:
        try:
            store.apply(journal.engine, [Batch(TOPIC_PARTITION, 1, 2, [a_vote()])])
        except CheckpointMismatch:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    assert journal.read(find_tool, TOOL).community.votes == 1


def test_a_group_gets_one_outcome_for_each_batch_and_no_innocent_one_suffers(
    projected: Engine,
) -> None:
    journals = [Journal(projected, (TOPIC_PARTITION[0], partition)) for partition in range(4)]
    events = [a_listing(), a_digest(digest="\0"), a_vote(), a_category()]
    batches = [
        Batch(journal.topic_partition, 5 if event.type == "vote.cast" else 0, 7, [event])
        for journal, event in zip(journals, events, strict=True)
    ]
    first, refused, mismatch, last = store.commit(projected, batches)
    assert (first, mismatch, last) == (Applied(), Mismatch(0), Applied())
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, DataError)
    assert [stored(journal) for journal in journals] == [7, 0, 0, 7]
    assert journals[0].read(find_tool, TOOL).tool == TOOL
    assert journals[0].rows("ballots") == []


def test_a_group_without_a_fault_is_one_transaction(projected: Engine) -> None:
    journals = [Journal(projected, (TOPIC_PARTITION[0], partition)) for partition in range(2)]
    batches = [Batch(journal.topic_partition, 0, 1, [a_listing()]) for journal in journals]
    assert store.commit(projected, batches) == [Applied(), Applied()]
    with projected.connect() as connection:
        written = connection.execute(text("select count(distinct xmin::text) from checkpoints"))
        assert written.scalar_one() == 1


def test_a_database_that_is_away_is_no_outcome() -> None:
    away = create_engine("postgresql://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(OperationalError):
        store.commit(away, [Batch(TOPIC_PARTITION, 0, 1, [a_vote()])])


def test_who_listens_hears_how_far_a_batch_went(journal: Journal, migrated: str) -> None:
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute(f"listen {Channel.APPLIED}".encode())
        store.apply(journal.engine, [Batch(TOPIC_PARTITION, 0, 7, [a_vote()])])
        heard = next(connection.notifies(timeout=10, stop_after=1))
    assert heard.payload == f"{TOPIC_PARTITION[0]}/{TOPIC_PARTITION[1]}/7"


CHANGES = [
    a_listing(name="Another name", time=LATER),
    a_listing(time=NOON - MINUTE),  # only the date of the first listing changes
    a_retirement(time=LATER),
    a_review(),
    a_review(81, time=LATER),
    a_retracted_review(time=LATER),
    a_vote("skip", time=LATER),
    a_retracted_vote(time=LATER),
    a_bookmark(),
]


@pytest.mark.parametrize("event", CHANGES, ids=lambda event: f"{event.type} at {event.time}")
def test_a_change_gives_its_tool_a_greater_version_and_the_outbox_its_key(
    journal: Journal, event: Event
) -> None:
    journal.apply(a_listing(), a_vote(), a_listing("other"))
    before, others = version(journal), version(journal, "other")
    journal.outbox()
    journal.apply(event)
    assert version(journal) > before
    assert version(journal, "other") == others
    assert journal.outbox() == [("tool", TOOL)]


NO_CHANGES = [
    [a_listing(), a_vote(), a_review()],  # again
    [a_vote("skip", time=NOON - MINUTE)],  # older
    [a_vote("ship", time=LATER)],  # newer, with the same choice
    [a_retracted_vote(voter="v-2")],  # of nothing
    [a_removed_bookmark(voter="v-2")],
    [a_vote("skip", voter="v-3"), a_retracted_vote(voter="v-3", time=LATER)],  # and taken back
    [],
]


@pytest.mark.parametrize("events", NO_CHANGES)
def test_what_changes_no_record_gives_no_version_and_no_key(
    journal: Journal, events: list[Event]
) -> None:
    journal.apply(a_listing(), a_vote(), a_review())
    before = version(journal)
    journal.outbox()
    journal.apply(*events)
    assert version(journal) == before
    assert journal.outbox() == []


def test_votes_that_cancel_each_other_out_change_nothing(journal: Journal) -> None:
    journal.apply(a_listing(), a_vote("ship", voter="v-1"), a_vote("skip", voter="v-2"))
    journal.outbox()
    journal.apply(a_vote("skip", voter="v-1", time=LATER), a_vote("ship", voter="v-2", time=LATER))
    assert journal.outbox() == []
    assert journal.read(find_tool, TOOL).community.ship == 1


def test_the_outbox_names_categories_reviewers_and_the_tools_that_show_them(
    journal: Journal,
) -> None:
    journal.apply(a_category(), a_reviewer(), a_digest())
    assert journal.outbox() == [
        ("category", CATEGORY),
        ("digest", "2026-W47"),
        ("reviewer", "builder"),
        ("tools-of-category", CATEGORY),
        ("tools-of-reviewer", "builder"),
    ]
    journal.apply(a_category(), a_reviewer(), a_digest(time=LATER))
    assert journal.outbox() == []


def test_a_batch_names_each_changed_record_once(journal: Journal) -> None:
    journal.apply(a_listing(), *(a_vote(voter=f"v-{n}") for n in range(50)), a_review())
    assert journal.outbox() == [("tool", TOOL)]


def test_a_greater_version_is_given_also_when_only_a_category_changes(journal: Journal) -> None:
    journal.apply(a_category())
    before = journal.read(find_category, CATEGORY).version
    journal.apply(a_category(name="Other", time=LATER))
    assert journal.read(find_category, CATEGORY).version > before


def test_a_rebuild_in_quiet_tells_nobody(journal: Journal) -> None:
    store.apply(journal.engine, [Batch(TOPIC_PARTITION, 0, 1, [a_listing()])], quiet=True)
    assert journal.outbox() == []
    assert journal.read(find_tool, TOOL).tool == TOOL


def test_partitions_that_change_the_same_tools_add_up_and_never_block_each_other(
    projected: Engine,
) -> None:
    tools = [f"t-{n}" for n in range(8)]
    Journal(projected).apply(*(a_listing(tool) for tool in tools))

    def run(number: int) -> int:
        """Vote and bookmark as voters of its own, in batches, tools in an order of its own."""
        journal, chance = Journal(projected, ("tests.run", number)), Random(number)
        for batch in range(12):
            voters = [f"v-{number}-{batch}-{n}" for n in range(6)]
            an_event = a_vote if number % 2 else a_bookmark
            events = [an_event(voter=voter, tool=tool) for voter in voters for tool in tools]
            journal.apply(*chance.sample(events, len(events)))
        return 12 * 6

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(run, range(6)))
    journal = Journal(projected, ("tests.read", 0))
    for tool in tools:
        tally = journal.read(read_tallies, [tool])[tool]
        assert tally.community.ship == sum(done[1::2])
        assert tally.bookmarks == sum(done[0::2])


def test_batches_of_several_topics_that_change_the_same_tools_never_wait_in_a_circle(
    projected: Engine,
) -> None:
    tools = [f"t-{n}" for n in range(8)]
    Journal(projected).apply(*(a_listing(tool) for tool in tools))

    def run(number: int) -> None:
        """Votes, bookmarks and listings together, of a few tools each, and not always the same."""
        chance, partitions = Random(number), [(f"tests.{kind}", number) for kind in ("v", "b", "c")]
        for partition in partitions:
            Journal(projected, partition)
        for batch in range(40):
            events_by_topic = (
                [a_vote(voter=f"{number}-{batch}", tool=tool) for tool in chance.sample(tools, 2)],
                [a_bookmark(voter=f"{number}-{batch}", tool=tool)
                 for tool in chance.sample(tools, 2)],
                [a_listing(tool, name=f"{number} {batch}", time=NOON + 100 * batch + number)
                 for tool in chance.sample(tools, 2)],
            )  # fmt: skip
            store.apply(
                projected,
                [
                    Batch(partition, 2 * batch, 2 * batch + 2, events)
                    for partition, events in zip(partitions, events_by_topic, strict=True)
                ],
            )

    before = deadlocks(projected)
    with ThreadPoolExecutor(6) as pool:
        for done in pool.map(run, range(6)):
            assert done is None
    assert deadlocks(projected) == before


def deadlocks(engine: Engine) -> int:
    """How often the server has broken a circle in this database."""
    counted = "select deadlocks from pg_stat_database where datname = current_database()"
    with engine.connect() as connection:
        return int(connection.execute(text(counted)).scalar_one())


@pytest.mark.parametrize(
    ("cast", "taken_back"), [(a_vote, a_retracted_vote), (a_bookmark, a_removed_bookmark)]
)
def test_the_rows_do_not_depend_on_whether_what_is_taken_back_came_in_the_same_batch(
    journal: Journal, cast: Callable[..., Event], taken_back: Callable[..., Event]
) -> None:
    journal.apply(cast(tool="one"), taken_back(tool="one", time=LATER))
    journal.apply(cast(tool="two"))
    journal.apply(taken_back(tool="two", time=LATER))
    assert journal.rows("tallies", "version") == [("one", 0, 0, 0), ("two", 0, 0, 0)]


def test_one_voter_who_changes_a_choice_in_two_partitions_at_once_has_one_ballot(
    projected: Engine,
) -> None:
    # Keys keep a voter on one partition; should that ever be broken, the counts still are right.
    Journal(projected).apply(a_listing())

    def run(number: int) -> None:
        journal = Journal(projected, ("tests.run", number))
        for n in range(25):
            choice: Choice = "skip" if (n + number) % 2 else "ship"
            journal.apply(a_vote(choice, time=NOON + 2 * n + number))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    community = Journal(projected, ("tests.read", 0)).read(find_tool, TOOL).community
    assert (community.ship, community.skip) == (0, 1) or (community.ship, community.skip) == (1, 0)
    last = ("ship", "skip")[(24 + 1) % 2]
    assert community.verdict == last


def test_the_latest_moment_of_the_events_stands_beside_the_checkpoint(journal: Journal) -> None:
    def latest() -> int:
        with journal.engine.connect() as connection:
            return connection.scalar(text("select latest from checkpoints"))

    journal.apply(a_vote(time=LATER), a_vote(voter="v-2", time=NOON))
    assert latest() == LATER
    journal.apply(a_vote(voter="v-3", time=NOON))
    journal.apply()
    assert latest() == LATER
