import pytest
from sqlalchemy import Engine

from projections.history.tool_history import read_histories, read_history, replay_panel
from projections.read.tools import find_tool
from schemas.events import DigestFrozen, FrozenTally
from schemas.history import History
from schemas.time import instants, weeks
from tests.harness import examples
from tests.harness.examples import DAY, NOON, TOOL
from tests.harness.journal import Journal
from tests.projections.history.test_digest_rules import a_revision


def test_each_change_of_the_panel_is_a_point() -> None:
    revisions = [
        a_revision("ship", 80, by="a", time=NOON),
        a_revision("skip", 40, by="b", time=NOON + DAY),
    ]
    first, second = replay_panel(revisions)
    assert (instants.rfc3339(NOON), first.verdict, first.mean) == (
        "2026-11-20T12:00:00Z", "ship", 80,
    )  # fmt: skip
    assert (second.verdict, second.ship, second.skip, second.mean) == ("split", 1, 1, 60)


def test_what_was_said_at_one_moment_is_one_point() -> None:
    revisions = [a_revision("ship", by="a", time=NOON), a_revision("ship", by="b", time=NOON)]
    assert [(point.ship, point.skip) for point in replay_panel(revisions)] == [(2, 0)]


def test_a_retraction_is_a_point_too() -> None:
    revisions = [a_revision("ship", time=NOON), a_revision(None, time=NOON + DAY)]
    assert [point.verdict for point in replay_panel(revisions)] == ["ship", "none"]


@pytest.mark.integration
def test_the_history_of_a_tool_is_read_from_its_reviews_and_the_frozen_weeks(
    projected: Engine,
) -> None:
    journal = Journal(projected)
    frozen = [
        DigestFrozen("2026-W46", "{}", (FrozenTally(TOOL, 5, 2, 1),)),
        DigestFrozen("2026-W45", "{}", (FrozenTally("other", 1, 1, 0),)),
        DigestFrozen("2026-W47", "{}", (FrozenTally(TOOL, 6, 9, 4), FrozenTally("other", 3, 1, 0))),
    ]
    journal.apply(
        examples.a_review(50, "skip", time=NOON + DAY, id="02"),
        examples.a_review(80, "ship"),
        examples.a_review(90, "ship", reviewer="nobody"),
        examples.a_reviewer(),
        *(examples.an_event(data) for data in frozen),
    )
    history = journal.read(read_history, TOOL)
    assert [(point.verdict, point.mean) for point in history.panel] == [("ship", 80), ("skip", 50)]
    assert [
        (point.week, point.community.verdict, point.community.votes, point.bookmarks)
        for point in history.community
    ] == [("2026-W46", "ship", 7, 1), ("2026-W47", "skip", 15, 4)]
    assert instants.from_datetime(history.community[1].end) == weeks.span("2026-W47")[1]
    assert journal.read(read_history, "unheard-of") == History()


def test_a_departure_is_a_point_and_later_reviews_of_that_reviewer_are_none() -> None:
    left = NOON + DAY
    revisions = [
        a_revision("ship", 80, by="a", time=NOON)._replace(left=left),
        a_revision("skip", 40, by="b", time=NOON + 1),
        a_revision("skip", 10, by="a", time=left)._replace(left=left),
    ]
    points = [(point.verdict, point.ship, point.skip) for point in replay_panel(revisions)]
    assert points == [("ship", 1, 0), ("split", 1, 1), ("skip", 0, 1)]


def test_a_departure_after_the_retraction_of_the_review_is_no_point() -> None:
    revisions = [
        a_revision("ship", time=NOON)._replace(left=NOON + DAY),
        a_revision(None, time=NOON + 1)._replace(left=NOON + DAY),
    ]
    assert [point.verdict for point in replay_panel(revisions)] == ["ship", "none"]


@pytest.mark.integration
def test_a_tool_has_the_history_of_all_its_names(journal: Journal) -> None:
    frozen = [
        DigestFrozen("2026-W45", "{}", (FrozenTally("old", 5, 2, 1),)),
        DigestFrozen("2026-W46", "{}", (FrozenTally("old", 5, 3, 1), FrozenTally(TOOL, 1, 0, 2))),
        DigestFrozen("2026-W47", "{}", (FrozenTally(TOOL, 6, 2, 3),)),
    ]
    journal.apply(
        examples.a_reviewer(),
        examples.a_review(50, "skip", tool="old"),
        examples.a_review(80, "ship", time=NOON + DAY),
        examples.a_merge("old", TOOL, time=NOON + 2 * DAY),
        *(examples.an_event(data) for data in frozen),
    )
    history = journal.read(read_history, TOOL)
    assert [(point.verdict, point.mean) for point in history.panel] == [("skip", 50), ("ship", 80)]
    assert [
        (point.week, point.community.ship, point.community.skip, point.bookmarks)
        for point in history.community
    ] == [("2026-W45", 5, 2, 1), ("2026-W46", 6, 3, 3), ("2026-W47", 6, 2, 3)]
    assert journal.read(read_histories) == {TOOL: history}


@pytest.mark.integration
def test_the_history_of_a_merge_ends_with_the_panel_of_the_tool(journal: Journal) -> None:
    journal.apply(
        *(examples.a_listing(tool) for tool in ("old", TOOL)),
        *(examples.a_reviewer(by, position=at) for at, by in enumerate(("builder", "skeptic"), 1)),
        examples.a_review(50, "skip", tool="old"),
        examples.a_review(70, tool="old", reviewer="skeptic"),
        examples.a_review(90, time=NOON + 1),
        examples.a_merge("old", TOOL),
        examples.a_departure("skeptic", time=NOON + 2),
    )
    panel = journal.read(find_tool, TOOL).panel
    last = journal.read(read_history, TOOL).panel[-1]
    assert (last.verdict, last.ship, last.skip, last.mean) == (
        panel.verdict, panel.ship, panel.skip, panel.mean,
    ) == ("ship", 1, 0, 90)  # fmt: skip
