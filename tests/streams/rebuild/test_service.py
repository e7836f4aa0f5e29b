"""A generation is filled beside the live one, and kept up with the log."""

import json

import pytest

from infra.kafka.client import create_producer
from projections.generation_diff import compare_tables
from projections.generations import UnknownGenerationError
from schemas.time import instants
from schemas.topics import BOOKMARKS, EVENT_PARTITIONS, VOTES
from streams.rebuild.equal_offsets import NotReadyError
from streams.rebuild.generation_positions import look_up_positions
from tests.harness.examples import a_vote
from tests.harness.kafka import CODEC, at_kafka
from tests.harness.waiting import wait_until
from tests.streams.rebuild.rebuild_operator import FIRST, SECOND, Operator

pytestmark = pytest.mark.integration


def test_a_rebuild_equals_the_live_generation_and_announces_nothing(
    operator: Operator, tool: str
) -> None:
    def rebuild_in_peace() -> str:
        """Rebuild anew; the worker may freeze a closed week meanwhile, and announces that."""
        writes, name = operator.count_outbox_writes(), operator.rebuild()
        with operator.engine.connect() as connection:
            equal = all(table.equal for table in compare_tables(connection, FIRST, name))
        return name if equal and operator.count_outbox_writes() == writes else ""

    name = wait_until("a rebuild equals the live generation", rebuild_in_peace)
    assert operator.live() == FIRST
    positions = look_up_positions(operator.settings, operator.engine)
    of_both = [position for position in positions if position.generation in (FIRST, name)]
    assert {(position.generation, position.live) for position in of_both} == {
        (FIRST, True),
        (name, False),
    }
    assert len(of_both) == 2 * len(EVENT_PARTITIONS)
    assert all(position.lag in (0, position.end - position.offset) for position in positions)


def test_a_rebuild_passes_over_the_events_of_the_far_future_as_workers_do(
    operator: Operator, tool: str
) -> None:
    never = instants.parse("9999-12-31T23:59:59Z")
    voter = f"{tool}-0"
    operator.send(a_vote("skip", tool=tool, voter=voter, time=never, id="forged"))
    operator.send(a_vote(tool=tool, voter=f"{tool}-late"))
    wait_until("the later vote is applied", lambda: operator.ships(tool) == 4)
    operator.rebuild()
    assert operator.ships_in(SECOND, tool) == 4
    with operator.engine.connect() as connection:
        compared = list(compare_tables(connection, FIRST, SECOND))
    assert all(table.equal for table in compared)


def test_workers_keep_a_new_generation_up_with_the_log(operator: Operator, tool: str) -> None:
    operator.rebuild()
    operator.send(a_vote(tool=tool, voter=f"{tool}-late"))
    wait_until(
        "the votes are applied", lambda: operator.ships_in(SECOND, tool), lambda ships: ships == 4
    )
    assert operator.ships(tool) == 4


def test_a_rebuild_ends_before_a_transaction_marker_at_the_end_of_the_log(
    operator: Operator, tool: str, cluster: dict[str, str]
) -> None:
    producer = create_producer(at_kafka(cluster), {"transactional.id": tool})
    producer.init_transactions(20)
    producer.begin_transaction()
    vote = a_vote(tool=tool, voter=f"{tool}-marked")
    producer.produce(BOOKMARKS.name, partition=0, key=b"", value=CODEC.encode(vote))
    producer.flush(20)
    producer.abort_transaction(20)
    assert operator.rebuild() == SECOND
    positions = look_up_positions(operator.settings, operator.engine)
    (marked,) = [
        position
        for position in positions
        if (position.generation, position.topic, position.partition) == (SECOND, BOOKMARKS.name, 0)
    ]
    assert marked.offset < marked.end
    assert (marked.lag, marked.seconds) == (0, 0.0)


def test_a_command_writes_only_its_answer_to_standard_output(
    without_worker: Operator,
) -> None:
    without_worker.sender.send_raw(VOTES.name, b"key", b"no Avro of ours")
    done = without_worker.command("projections", "rebuild", "--json")
    answer = json.loads(done.stdout)
    assert answer["generation"] == SECOND
    assert answer["passed_over"] > 0
    assert f"--resume {SECOND}" in done.stderr


def test_a_generation_that_cannot_be_filled_is_refused_by_name(without_worker: Operator) -> None:
    with pytest.raises(NotReadyError, match="live already"):
        without_worker.resume(FIRST)
    with pytest.raises(UnknownGenerationError, match="no generation 'elsewhere'"):
        without_worker.resume("elsewhere")
