"""Faults 3, 6 and 9: who owns a partition, and where it goes on."""

import contextlib
import random
from collections.abc import Callable

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from infra.kafka.client import create_admin
from schemas.topics import EVENT_PARTITIONS
from streams.worker import GROUP
from tests.faults.harness.checks import audit
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.checks.subscriber import require_faithful_changes
from tests.faults.harness.clients import Load
from tests.faults.harness.content import Crowd, catalog_events
from tests.faults.harness.system import System
from tests.harness.services import Service
from tests.harness.waiting import Stopwatch, wait_until

Report = Callable[[Figures], None]

LONGEST_STALL_SECONDS = 30.0
# The server ends what idles in a transaction after five; it comes once, not once per batch.
LONGEST_BLOCK_SECONDS = 10.0
# While workers are restarted in turn, nobody waits longer for a vote to count. Where they have
# names, their partitions wait for them, or for the session to end and others to take over.
LONGEST_WAIT_SECONDS, LONGEST_RETURN_SECONDS = 10.0, 20.0
# The longest wait between two moves of checkpoints.
_STALL = """
select coalesce(extract(epoch from max(wait)), 0)::float8 from (
    select at - lag(at) over (order by at) as wait from faults.moves where at > %s
) as waits
"""
# The same for the partition whose votes waited longest.
_STALEST = """
select coalesce(extract(epoch from max(wait)), 0)::float8 from (
    select at - lag(at) over (partition by partition order by at) as wait
    from faults.moves where topic = 'verdicts.votes.v1' and at > %s
) as waits
"""
_MANNED = """
select count(*) from heartbeats
where case %s when '' then instance like '%%-' || %s else instance = %s end
    and detail -> 'assigned' <> '{}'
"""


def test_of_stopped_workers_and_their_successor_one_applies_each_batch(
    chances: random.Random, system: System, report: Report
) -> None:
    """One is before its checkpoints, another behind them, with rows locked."""
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    before, behind = system.held_worker(), system.worker("")
    wait_until("both have partitions", lambda: _manned(system, before) and _manned(system, behind))
    system.caught_up()
    with system.gate(audit.BEFORE_MOVE) as gate:
        with system.locked("select from tallies for update"):
            client.send(crowd.some(500))
            wait_until("one is before its checkpoints", lambda: gate.waiting > 0)
            wait_until("one has locked rows", lambda: system.tallying)
            before.pause()
            behind.pause()
        watch = Stopwatch()
        successor = system.worker("")
        wait_until("the successor has partitions", lambda: _manned(system, successor))
        blocked = Stopwatch()
        system.caught_up()
        assert blocked.seconds < LONGEST_BLOCK_SECONDS
        taken_over = watch.seconds
        client.send(crowd.some(200))
        system.caught_up()
        before.resume()
        behind.resume()
        gate.open()
        wait_until("the stopped one has gone on", lambda: gate.waiting == 0)
    wait_until(
        "all have partitions", lambda: all(_manned(system, worker) for worker in (before, behind))
    )
    assert system.applied_twice == 0
    client.send(crowd.some(200))
    system.caught_up()
    assert successor.running
    require_faithful_changes(system)
    report(system.judged("3 workers stopped", taken_over, "until the successor had caught up"))


@pytest.mark.long
def test_partitions_that_move_in_the_middle_of_their_batches_move_quietly(
    chances: random.Random, system: System, report: Report
) -> None:
    """A worker joins while another one waits for the database with all the threads it has."""
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    first = system.worker("")
    system.caught_up()
    with system.locked("select from tallies for update"):
        client.send(crowd.some(1000))
        wait_until("a group of its batches waits", lambda: system.tallying)
        client.send(crowd.some(1000))  # each partition has a batch that waits for that group
        second = system.worker("")
        wait_until("the second has partitions", lambda: _manned(system, second))
    client.send(crowd.some(500))
    seconds = system.caught_up()
    second.stop()
    client.send(crowd.some(500))
    system.caught_up()
    assert first.running
    require_faithful_changes(system)
    report(system.judged("6 partitions move while busy", seconds))


def _manned(system: System, worker: Service) -> bool:
    """Whether a worker says that it has partitions."""
    with system.connection() as connection:
        values = [worker.instance, str(worker.pid), worker.instance]
        row = connection.execute(_MANNED.encode(), values).fetchone()
    return bool(row and row[0])


def test_workers_that_come_and_go_stall_nothing(
    chances: random.Random, system: System, report: Report
) -> None:
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    workers = [system.worker("")]
    system.caught_up()
    with system.connection() as connection:
        began = connection.execute("select clock_timestamp()").fetchone()
        with Load(crowd.endless(20), client.send, pause=0.1):
            for _ in range(2):
                workers.append(system.worker(""))
                wait_until("the new one has partitions", lambda: _manned(system, workers[-1]))
                workers.pop(chances.randrange(len(workers) - 1)).stop()
        watch = Stopwatch()
        system.caught_up()
        assert all(worker.running for worker in workers)
        assert began
        stall = connection.execute(_STALL.encode(), began).fetchone()
    assert stall
    assert stall[0] < LONGEST_STALL_SECONDS
    require_faithful_changes(system)
    note = f"longest stall {stall[0]:.1f} s"
    report(system.judged("6 workers come and go", watch.seconds, note))


@pytest.mark.long
@pytest.mark.parametrize("names", [("", ""), ("worker-1", "worker-2")], ids=["unnamed", "named"])
def test_workers_restarted_in_turn_under_load_leave_no_vote_waiting(
    names: tuple[str, str], chances: random.Random, system: System, report: Report
) -> None:
    """A partition without votes would look stale too, so each gets some all the time."""
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    workers = [system.worker(name) for name in names]
    wait_until("both have partitions", lambda: all(_manned(system, worker) for worker in workers))
    with system.connection() as connection:
        began = connection.execute("select clock_timestamp()").fetchone()
        assert began
        with Load(crowd.endless(40), client.send, pause=0.05):
            for worker in workers:
                worker.stop()
                assert worker.exit_status() == 0
                worker.start()
                wait_until(
                    "it has partitions again",
                    lambda: all(_manned(system, worker) for worker in workers),
                )
        watch = Stopwatch()
        system.caught_up()
        seconds = watch.seconds
        stalest = connection.execute(_STALEST.encode(), began).fetchone()
    assert stalest
    assert system.applied_twice == 0
    require_faithful_changes(system)
    note = f"the longest wait of any partition {stalest[0]:.1f} s"
    report(system.judged("restarts in turn", seconds, note))
    assert stalest[0] < (LONGEST_RETURN_SECONDS if any(names) else LONGEST_WAIT_SECONDS)


def test_committed_offsets_in_kafka_mean_nothing(
    chances: random.Random, system: System, report: Report
) -> None:
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events() + crowd.some(500))
    worker = system.worker("")
    system.caught_up()
    slowest = 0.0
    for ahead in chances.sample((True, False), 2):
        worker.stop()
        client.send(crowd.some(500))
        ends = system.log.ends(EVENT_PARTITIONS)
        offsets = [
            TopicPartition(*topic_partition, end if ahead else chances.randrange(end + 1))
            for topic_partition, end in ends.items()
        ]
        _commit(system, offsets)
        watch = Stopwatch()
        worker.start()
        system.caught_up()
        slowest = max(slowest, watch.seconds)
    require_faithful_changes(system)
    report(system.judged("9 committed offsets moved", slowest, "ahead and behind"))


def _commit(system: System, offsets: list[TopicPartition]) -> None:
    """Move the group's offsets, once the broker sees that its members have gone."""
    client = create_admin(system.settings)

    def moved() -> bool:
        asked = client.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(GROUP, offsets)])
        with contextlib.suppress(KafkaException):  # The group still has members.
            return all(
                topic_partition.error is None
                for topic_partition in asked[GROUP].result(30).topic_partitions
            )
        return False

    wait_until("the group is empty and its offsets are moved", moved)
