"""Fault 13: the log is not the one that was read so far, or only seems not to be."""

import random
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaException, TopicPartition

from infra import topics
from infra.log import Log
from schemas.topics import EVENT_PLACES, VOTES
from tests.faults.harness.brokers import Cluster
from tests.faults.harness.content import Crowd, shelf
from tests.faults.harness.ledger import Outcome
from tests.faults.harness.oracle import Figures
from tests.faults.harness.subscriber import require_faithful_changes
from tests.faults.harness.system import System, renew_topics
from tests.faults.harness.waiting import Stopwatch

Report = Callable[[Figures], None]


@pytest.mark.parametrize("when", ["while it is stopped", "while it runs"])
def test_a_topic_made_anew_halts_the_worker_loudly(
    when: str, chances: random.Random, system: System, report: Report
) -> None:
    """The new one has already grown past the stored offsets, so that they look fine."""
    client, crowd = system.log_client(), Crowd(chances)
    client.send(shelf() + crowd.some(300))
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
    assert "was made anew since it was read" in worker.said
    # Nobody can mend that by starting it again, which is what a supervisor does.
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
    client.send(shelf() + crowd.some(300))
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
    assert "its log holds" in worker.said
    assert _votes(system) == stood
    report(_figures(system, f"13 offset outside the log {when}", watch.seconds))


def test_a_broker_that_says_nothing_is_not_taken_for_a_log_that_lost_everything(
    chances: random.Random, system: System, one_broker: Cluster, report: Report
) -> None:
    """Workers ask every second where the log begins and ends, and halt where that cannot be."""
    client, crowd, (broker,) = system.log_client(), Crowd(chances), one_broker.brokers
    client.send(shelf() + crowd.some(300))
    worker = system.worker()
    system.caught_up()
    log = Log(system.settings, seconds=2)
    log.ends(EVENT_PLACES)  # from now on it knows whom to ask
    broker.pause()
    with pytest.raises(KafkaException, match="did not answer"):
        log.ends(EVENT_PLACES)
    broker.kill()  # the worker's question breaks off, too
    watch = Stopwatch()
    broker.start()
    client.send(crowd.some(300))
    system.caught_up()
    assert worker.running
    require_faithful_changes(system)
    report(system.judged("2 the only broker silent, killed", watch.seconds, "its start included"))


def _cut_off_the_votes(system: System) -> None:
    ends = system.log.ends((VOTES.name, number) for number in range(VOTES.partitions))
    gone = [TopicPartition(*place, end) for place, end in ends.items()]
    admin = topics.admin(system.settings)  # it must live until its futures have ended
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
