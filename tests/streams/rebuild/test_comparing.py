"""Two generations are held against each other."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from projections.generation_diff import compare_tables
from schemas.topics import EVENT_PARTITIONS
from streams.rebuild import service
from tests.harness.examples import a_listing, a_vote
from tests.harness.kafka import CODEC, hanging_transaction
from tests.streams.rebuild.rebuild_operator import FIRST, SECOND, Operator

pytestmark = pytest.mark.integration


def test_differences_are_shown_by_their_rows(
    without_worker: Operator, unique: Callable[[str], str]
) -> None:
    tool = unique("tool")
    without_worker.send(a_listing(tool), a_vote(tool=tool))
    first, second = without_worker.rebuild(), without_worker.rebuild()
    with without_worker.engine.begin() as connection:
        connection.execute(
            text(f"update {second}.tallies set ship = 7 where tool = :tool"), {"tool": tool}
        )
        compared = {table.table: table for table in compare_tables(connection, first, second)}
    assert compared["ballots"].equal
    assert not compared["tallies"].equal
    assert [row for row in compared["tallies"].only_in_first if tool in row] == [f"({tool},1,0,0)"]
    assert [row for row in compared["tallies"].only_in_second if tool in row] == [f"({tool},7,0,0)"]


def test_two_generations_are_compared_at_equal_offsets_whatever_arrives(
    operator: Operator, tool: str
) -> None:
    operator.rebuild()
    operator.send(*(a_vote(tool=tool, voter=f"{tool}-c{n}") for n in range(2_000)))
    comparison = service.compare(operator.settings, operator.engine, CODEC, SECOND)
    assert (comparison.live, comparison.ahead) == (FIRST, 0)
    assert all(table.equal for table in comparison.tables)


def test_a_generation_ahead_of_a_stopped_live_one_is_compared_and_its_lead_is_shown(
    operator: Operator, tool: str
) -> None:
    operator.stop_worker()
    operator.send(a_vote(tool=tool, voter=f"{tool}-ahead"))
    operator.rebuild()
    comparison = service.compare(operator.settings, operator.engine, CODEC, SECOND, attempts=2)
    assert comparison.ahead == 1
    assert {table.table for table in comparison.tables if not table.equal} == {"ballots", "tallies"}


def test_markers_of_transactions_are_no_lead(
    operator: Operator, tool: str, unique: Callable[[str], str]
) -> None:
    operator.stop_worker()
    for partition in sorted(EVENT_PARTITIONS):
        with hanging_transaction(operator.settings, partition, unique("transaction"), keys=1):
            pass  # aborted at once
    operator.send(a_vote(tool=tool, voter=f"{tool}-ahead"))
    operator.rebuild()
    comparison = service.compare(operator.settings, operator.engine, CODEC, SECOND, attempts=1)
    assert comparison.ahead == 1


def test_generations_of_different_code_are_compared_by_what_both_have_and_promoted(
    without_worker: Operator,
) -> None:
    without_worker.send(a_listing())
    without_worker.promote(without_worker.rebuild())
    third = without_worker.rebuild()
    with without_worker.engine.begin() as connection:
        connection.execute(text(f"alter table {third}.tools add column motto text"))
    comparison = service.compare(without_worker.settings, without_worker.engine, CODEC, third)
    assert {table.table: table.columns for table in comparison.tables if not table.equal} == {
        "tools": ["motto"]
    }
    with without_worker.engine.connect() as connection:
        tools = connection.scalar(text("select count(*) from tools"))
    assert without_worker.promote(third) == tools
