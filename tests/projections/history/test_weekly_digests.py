import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine

from projections.history.digest_input_queries import has_news, read_tallies_of_week
from projections.history.digest_weeks import find_running_week, list_unfrozen_weeks
from projections.history.weekly_digests import (
    compute_digest,
    find_digest,
    find_newest_digest_week,
    list_digests,
)
from schemas import digests
from schemas.events import DigestFrozen, Event, FrozenTally
from schemas.time import instants, weeks
from schemas.topics import DIGESTS
from tests.conftest import empty
from tests.harness import examples
from tests.harness.examples import DAY, NOON, OTHER_TOOL, TOOL
from tests.harness.journal import Journal
from tests.projections.histories import histories

pytestmark = pytest.mark.integration

WEEK = weeks.LENGTH


SOME = settings(max_examples=40, deadline=None, derandomize=True, database=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


def a_freeze(week: str, *tallies: FrozenTally, at: int = NOON, since: str | None = None) -> Event:
    start, end = (instants.to_datetime(moment) for moment in weeks.span(week))
    digest = digests.WeeklyDigest(week=week, start=start, end=end, frozen=True, since=since)
    text = digests.write(digest)
    return examples.an_event(DigestFrozen(week, text, tallies), time=at)


def test_without_events_there_is_no_week(journal: Journal) -> None:
    assert journal.read(find_running_week) is None
    assert journal.read(list_digests) == []


def test_the_running_week_is_the_newest_with_events_in_whatever_order_they_come(
    journal: Journal,
) -> None:
    journal.apply(examples.a_vote(time=NOON + WEEK))
    journal.apply(examples.a_listing())
    assert journal.read(find_running_week) == "2026-W48"
    digest = journal.read(find_digest, "2026-W48")
    assert (digest.frozen, digest.counts.votes, digest.new_tools) == (False, 1, [])


def test_a_week_stays_open_beside_the_next_until_it_is_frozen(journal: Journal) -> None:
    journal.apply(examples.a_listing(), examples.a_vote(time=NOON + WEEK))

    def weeks_of() -> list[tuple[str, bool]]:
        digests = journal.read(list_digests)
        return [(digest.week, digest.frozen) for digest in digests]

    assert weeks_of() == [("2026-W48", False), ("2026-W47", False)]
    journal.apply(a_freeze("2026-W47", FrozenTally(TOOL, 0, 0, 0)))
    assert weeks_of() == [("2026-W48", False), ("2026-W47", True)]


def test_a_week_that_is_neither_frozen_nor_open_has_no_digest(journal: Journal) -> None:
    journal.apply(examples.a_listing(), examples.a_vote(time=NOON + 2 * WEEK))
    for week in ("2026-W47", "2026-W50", "2025-W53", "nonsense"):
        assert journal.read(find_digest, week) is None


def test_a_frozen_week_runs_no_more_though_no_other_has_begun(journal: Journal) -> None:
    journal.apply(examples.a_listing())
    Journal(journal.engine, (DIGESTS.name, 0)).apply(a_freeze("2026-W47", at=NOON + WEEK))
    assert journal.read(find_running_week) is None
    assert [(digest.week, digest.frozen) for digest in journal.read(list_digests)] == [
        ("2026-W47", True)
    ]


def test_a_late_vote_moves_the_running_week_and_no_frozen_one(journal: Journal) -> None:
    journal.apply(
        examples.a_listing(),
        a_freeze("2026-W47", FrozenTally(TOOL, 0, 0, 0)),
        examples.a_vote(voter="v-2", time=NOON + WEEK),
    )
    frozen = journal.read(find_digest, "2026-W47")
    journal.apply(examples.a_vote(time=NOON + DAY))
    assert journal.read(find_digest, "2026-W47") == frozen
    assert journal.read(find_digest, "2026-W48").counts.votes == 2


def test_the_community_is_held_against_the_newest_digest_before_the_week(journal: Journal) -> None:
    journal.apply(
        examples.a_listing(),
        *(examples.a_vote(voter=f"v-{number}", time=NOON + 3 * WEEK) for number in range(5)),
        a_freeze("2026-W47", FrozenTally(TOOL, 1, 0, 0)),
        a_freeze("2026-W48", FrozenTally(TOOL, 2, 0, 0)),
    )
    digest = journal.read(find_digest, "2026-W50")
    assert (digest.since, digest.counts.votes) == ("2026-W48", 3)


def test_a_retired_tool_is_left_out_and_its_tally_is_kept(journal: Journal) -> None:
    journal.apply(
        examples.a_listing(),
        examples.a_listing(OTHER_TOOL),
        examples.a_listing("next-week", time=NOON + WEEK),
        examples.a_vote(),
        examples.a_retirement(time=NOON + 1),
    )
    digest = journal.read(compute_digest, "2026-W47")
    assert [tool.tool for tool in digest.new_tools] == [OTHER_TOOL]
    assert digest.counts.votes == 0
    assert journal.read(read_tallies_of_week, "2026-W47") == (
        FrozenTally(OTHER_TOOL, 0, 0, 0),
        FrozenTally(TOOL, 1, 0, 0),
    )


def test_only_reviewers_of_the_panel_count(journal: Journal) -> None:
    journal.apply(
        examples.a_listing(),
        examples.a_reviewer(),
        examples.a_review(80, "ship", body="*Good*."),
        examples.a_review(20, "skip", reviewer="nobody"),
    )
    digest = journal.read(compute_digest, "2026-W47")
    assert [change.after.mean for change in digest.panel_changes] == [80]
    assert [(pick.reviewer_name, pick.body) for pick in digest.reviews] == [("Builder", "*Good*.")]


def test_closed_weeks_are_unfrozen_until_they_are_decided(journal: Journal) -> None:
    closed = weeks.span("2026-W49")[1]
    journal.apply(examples.a_listing(time=NOON - 100 * WEEK))
    journal.apply(examples.a_listing(), examples.a_vote(time=NOON + 3 * WEEK))
    unfrozen = journal.read(list_unfrozen_weeks, closed)
    assert (unfrozen[0], unfrozen[-3:]) == ("2024-W51", ["2026-W47", "2026-W48", "2026-W49"])
    assert journal.read(list_unfrozen_weeks, closed - 1)[-1] == "2026-W48"
    journal.apply(a_freeze("2026-W48"))
    assert journal.read(list_unfrozen_weeks, closed) == ["2026-W49"]
    assert journal.read(list_unfrozen_weeks, closed - 1) == []


def test_what_cannot_be_read_is_no_digest(journal: Journal) -> None:
    journal.apply(examples.a_digest("2026-W47", digest="no JSON"), examples.a_listing())
    assert journal.read(find_digest, "2026-W47") is None
    assert journal.read(list_digests) == []


def test_an_event_from_the_end_of_time_is_no_week_to_run(journal: Journal) -> None:
    journal.apply(examples.a_listing())
    Journal(journal.engine, ("another", 0)).apply(examples.a_vote(time=weeks.LAST_MOMENT))
    assert journal.read(find_running_week) == "2026-W47"


EDGES = (
    "0001-01-01T00:00:00Z",
    "0001-01-07T23:59:59.999999Z",
    "0999-12-31T23:59:59.999999Z",
    "1969-12-28T23:59:59.999999Z",
    "1969-12-29T00:00:00Z",
    "1970-01-05T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "2025-12-31T23:59:59.999999Z",
)


@pytest.mark.parametrize("full", [False, True], ids=["empty", "full"])
@pytest.mark.parametrize("text", EDGES)
def test_a_time_at_an_edge_has_a_week_with_a_digest(
    journal: Journal, text: str, full: bool
) -> None:
    if full:
        journal.apply(examples.a_listing("other"), examples.a_vote(tool="other"))
    time = instants.parse(text)
    journal.apply(examples.a_reviewer(time=time), examples.a_listing(time=time))
    journal.apply(examples.a_review(80, "ship", time=time), examples.a_vote(time=time))
    week = weeks.week_of(time)
    assert journal.read(list_unfrozen_weeks, weeks.span("2026-W47")[1])[0] == week
    digest = journal.read(compute_digest, week)
    assert [tool.tool for tool in digest.new_tools] == [TOOL]
    if not full:
        assert journal.read(find_running_week) == week
        assert next(digest.week for digest in journal.read(list_digests)) == week


def test_each_week_of_a_change_is_due_also_before_1970(journal: Journal) -> None:
    times = [instants.parse(text) for text in EDGES]
    journal.apply(*(examples.a_listing(f"t-{n}", time=time) for n, time in enumerate(times)))
    unfrozen = journal.read(list_unfrozen_weeks, weeks.span("2026-W47")[1])
    assert {weeks.week_of(time) for time in times} <= set(unfrozen)


@SOME
@given(histories())
def test_whether_a_week_has_news_is_known_without_its_digest(
    projected: Engine, history: list[Event]
) -> None:
    empty(projected)
    journal = Journal(projected)
    journal.apply(*history)
    for week in ("1969-W52", "1970-W01", "1970-W02"):
        digest = journal.read(compute_digest, week)
        assert journal.read(has_news, week) is (digest is not None)


def test_the_newest_is_the_first_of_all_digests(journal: Journal) -> None:
    assert journal.read(find_newest_digest_week) is None
    journal.apply(examples.a_listing(), examples.a_category(time=NOON + WEEK))
    assert journal.read(find_newest_digest_week) == "2026-W47"
    journal.apply(a_freeze("2026-W47", at=NOON + WEEK))
    assert journal.read(find_newest_digest_week) == "2026-W47"
    journal.apply(examples.a_vote(time=NOON + WEEK))
    assert journal.read(find_newest_digest_week) == journal.read(list_digests)[0].week == "2026-W48"


def test_a_merge_in_the_week_is_said_once_and_moves_no_votes(journal: Journal) -> None:
    """Voter 1 had voted for both tools, as had the digest before counted."""
    journal.apply(
        *(examples.a_listing(tool, tool.title(), time=NOON - WEEK) for tool in ("old", TOOL)),
        *(examples.a_vote(tool=tool, time=NOON - WEEK) for tool in ("old", TOOL)),
        examples.a_vote("skip", tool="old", voter="v-2", time=NOON - WEEK),
        a_freeze("2026-W46", FrozenTally("old", 1, 1, 0), FrozenTally(TOOL, 1, 0, 0)),
        examples.a_merge("old", TOOL, "One maker."),
    )
    digest = journal.read(find_digest, "2026-W47")
    assert [(each.merged, each.merged_name, each.tool) for each in digest.merges] == [
        ("old", "Old", TOOL)
    ]
    assert (digest.counts.votes, digest.votes, digest.flips) == (0, [], [])
    assert journal.read(read_tallies_of_week, "2026-W47") == (FrozenTally(TOOL, 1, 1, 0),)
    journal.apply(
        a_freeze("2026-W47", FrozenTally(TOOL, 1, 1, 0), at=NOON + WEEK),
        examples.a_vote(tool="old", voter="v-3", time=NOON + WEEK),
    )
    digest = journal.read(find_digest, "2026-W48")
    assert (digest.merges, digest.counts.votes) == ([], 1)
    assert [(move.tool, move.ship) for move in digest.votes] == [(TOOL, 1)]


def test_a_tool_under_a_new_name_is_not_new(journal: Journal) -> None:
    journal.apply(
        examples.a_reviewer(time=NOON - WEEK),
        examples.a_listing("old", "Old", time=NOON - WEEK),
        examples.a_review(tool="old", time=NOON - WEEK),
        examples.a_vote(tool="old", time=NOON - WEEK),
        a_freeze("2026-W45", FrozenTally("old", 0, 0, 0)),
        examples.a_listing(),
        examples.a_merge("old", TOOL),
    )
    digest = journal.read(find_digest, "2026-W47")
    assert (digest.new_tools, digest.panel_changes) == ([], [])
    assert [each.merged for each in digest.merges] == ["old"]
    assert journal.read(read_tallies_of_week, "2026-W46") == (FrozenTally(TOOL, 1, 0, 0),)


def test_reviews_and_votes_of_the_week_for_a_merged_tool_are_of_the_other_one(
    journal: Journal,
) -> None:
    journal.apply(
        examples.a_reviewer(time=NOON - WEEK),
        examples.a_listing(time=NOON - WEEK),
        examples.a_review(30, "skip", time=NOON - WEEK),
        examples.a_merge("old", TOOL, time=NOON - WEEK),
        examples.a_review(80, tool="old"),
        examples.a_vote(tool="old"),
    )
    digest = journal.read(compute_digest, "2026-W47")
    (change,) = digest.panel_changes
    assert (change.tool, change.before.verdict, change.after.verdict) == (TOOL, "skip", "ship")
    assert [(pick.tool, pick.reason) for pick in digest.reviews] == [(TOOL, "changed")]
    assert digest.counts.votes == 1


def test_a_departure_turns_verdicts_of_tools_that_nobody_reviewed_that_week(
    journal: Journal,
) -> None:
    journal.apply(
        examples.a_reviewer(time=NOON - WEEK),
        examples.a_listing(time=NOON - WEEK),
        examples.a_review(time=NOON - WEEK),
        examples.a_departure(),
    )
    digest = journal.read(find_digest, "2026-W47")
    assert [(each.before.verdict, each.after.verdict) for each in digest.panel_changes] == [
        ("ship", "none")
    ]
    assert journal.read(has_news, "2026-W47")
    assert journal.read(compute_digest, "2026-W48") is None
