import pytest
from sqlalchemy import Engine

from projections.history.tool_history import read_history, replay_panel
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
