"""Fault 13: the log is not the one that was read so far."""

import random
from collections.abc import Callable

import pytest
from confluent_kafka import TopicPartition

from infra.kafka.client import create_admin
from schemas.topics import VOTES
from tests.faults.harness.checks.ledger import Outcome
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.content import Crowd, catalog_events
from tests.faults.harness.system import System, renew_topics
from tests.harness.waiting import Stopwatch

Report = Callable[[Figures], None]


@pytest.mark.parametrize("when", ["while it is stopped", "while it runs"])
def test_a_recreated_topic_halts_the_worker_loudly(
    when: str, chances: random.Random, system: System, report: Report
) -> None:
    """The new one has already grown past the stored offsets, so that they look fine."""
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events() + crowd.some(300))
    worker = system.worker()
    system.caught_up()
    if when == "while it is stopped":
        worker.kill()
    stood = _votes(system)
    renew_topics(system.settings, (VOTES,))
    system.log_client().send(crowd.some(1500))
    assert all(lag > 0 for (topic, _), lag in system.lagging.items() if topic == VOTES.name)
    watch = Stopwatch()
    if when == "while it is stopped":
        worker.start()
    assert worker.exit_status() != 0
    seconds = watch.seconds
    assert "was made anew since it was read" in worker.logged
    # A restart, which is what a supervisor does, cannot mend it.
    worker.start()
    halted_at = _votes(system)
    assert worker.exit_status() != 0
    assert _votes(system) == halted_at
    if when == "while it is stopped":
        assert halted_at == stood, "records of another log were applied"
    report(_figures(system, f"13 topic made anew {when}", seconds))


@pytest.mark.parametrize("when", ["while it is stopped", "while it runs"])
def test_an_offset_outside_the_log_halts_the_worker_loudly(
    when: str, chances: random.Random, system: System, report: Report
) -> None:
    """What is cut off the log before it was read is lost, and not to be passed over."""
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events() + crowd.some(300))
    worker = system.worker()
    system.caught_up()
    stood = _votes(system)
    if when == "while it is stopped":
        worker.kill()
    with system.locked("lock table ballots in share mode"):  # what it has in hand it cannot apply
        client.send(crowd.some(500))
        _cut_off_the_votes(system)
        watch = Stopwatch()
        if when == "while it is stopped":
            worker.start()
        assert worker.exit_status() != 0
    assert "its log holds" in worker.logged
    assert _votes(system) == stood
    report(_figures(system, f"13 offset outside the log {when}", watch.seconds))


def _cut_off_the_votes(system: System) -> None:
    ends = system.log.ends((VOTES.name, number) for number in range(VOTES.partitions))
    gone = [TopicPartition(*topic_partition, end) for topic_partition, end in ends.items()]
    admin = create_admin(system.settings)  # it must live until its futures have ended
    for done in admin.delete_records(gone).values():
        done.result(30)


def _votes(system: System) -> int:
    return system.number(
        "select sum(next_offset) from checkpoints where topic = 'verdicts.votes.v1'"
    )


def _figures(system: System, fault: str, seconds: float) -> Figures:
    """Nothing was recovered here, and must not be: a person decides what the truth is."""
    ledger = system.ledger
    return Figures(
        fault=fault, sent=len(ledger.events), acknowledged=ledger.count(Outcome.ACKNOWLEDGED),
        rejected=0, unknown=0, applied=system.number("select count(*) from ballots"),
        lost=0, doubled=0, ghosts=0, seconds=seconds, note="until it halted",
    )  # fmt: skip
