"""Faults 2, 4, 5 and 14: what lies between a client and the log."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.kafka.client import create_admin
from infra.kafka.offsets import LogOffsets
from schemas.topics import EVENT_PARTITIONS, VOTES
from tests.faults.harness.brokers import Broker, Cluster
from tests.faults.harness.checks.ledger import Outcome
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.checks.subscriber import require_faithful_changes
from tests.faults.harness.clients import HttpClient, Load
from tests.faults.harness.content import TOOLS, Crowd, catalog_events
from tests.faults.harness.system import System
from tests.faults.harness.taps import LostProduceAnswers
from tests.harness.examples import NOON, a_retracted_vote, a_vote
from tests.harness.waiting import Stopwatch, wait_until

Report = Callable[[Figures], None]
MakeSystem = Callable[[Cluster], System]

# Where a leader dies, another is elected once the controller misses its heartbeats.
LONGEST_GAP_SECONDS = 12.0


def test_a_leader_that_hangs_and_is_killed_costs_no_acknowledged_event(
    chances: random.Random, make_system: MakeSystem, three_brokers: Cluster, report: Report
) -> None:
    """The worker asks it every second where the log ends, and halts where that cannot be."""
    system, crowd = make_system(three_brokers), Crowd(chances)
    _, url = system.api()
    client = system.http_client(url)
    client.send_until_acknowledged(catalog_events())
    worker = system.worker()
    system.caught_up()
    log = LogOffsets(system.settings, seconds=2)
    log.ends(EVENT_PARTITIONS)  # from now on it knows whom to ask
    leader = _leader(system, chances.randrange(VOTES.partitions))
    with Load(crowd.endless(10), client.send, pause=0.05):
        acknowledged = system.ledger.count(Outcome.ACKNOWLEDGED)
        wait_until("events flow", lambda: system.ledger.count(Outcome.ACKNOWLEDGED) > acknowledged)
        leader.pause()
        with pytest.raises(KafkaException, match="did not answer"):
            log.ends(EVENT_PARTITIONS)
        leader.kill()  # the worker's question breaks off, too
        watch = Stopwatch()
        _until_all_partitions_take_events(system, crowd, client)
        gap = watch.seconds
        leader.start()
    assert gap < LONGEST_GAP_SECONDS
    system.caught_up()
    assert worker.running
    require_faithful_changes(system)
    report(
        system.judged("2 leader hangs, is killed", gap, "until all partitions took events again")
    )


def _until_all_partitions_take_events(system: System, crowd: Crowd, client: HttpClient) -> None:
    """Votes spread over all partitions, so a hundred that are all taken show all leaders."""
    wait_until(
        "all partitions take events",
        lambda: (
            (response := client.send(crowd.some(100))) is not None and response.status_code == 202
        ),
    )


def _leader(system: System, partition: int) -> Broker:
    client: AdminClient = create_admin(system.settings)
    topic = client.list_topics(VOTES.name, timeout=30).topics[VOTES.name]
    return system.cluster.brokers[topic.partitions[partition].leader - 1]


def test_without_two_of_three_brokers_nothing_is_acknowledged(
    chances: random.Random, make_system: MakeSystem, three_brokers: Cluster, report: Report
) -> None:
    system, crowd = make_system(three_brokers), Crowd(chances)
    _, url = system.api()
    client = system.http_client(url)
    client.send_until_acknowledged(catalog_events())
    system.worker()
    system.caught_up()
    down = chances.sample(three_brokers.brokers, 2)
    for broker in down:
        broker.kill()
    acknowledged = system.ledger.count(Outcome.ACKNOWLEDGED)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(client.send, [crowd.some(25) for _ in range(4)]))
    assert {answer.status_code for answer in answers if answer} == {503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer)
    assert system.ledger.count(Outcome.ACKNOWLEDGED) == acknowledged
    watch = Stopwatch()
    three_brokers.start(down)
    _until_all_partitions_take_events(system, crowd, client)
    seconds = watch.seconds
    system.caught_up()
    require_faithful_changes(system)
    report(system.judged("4 two of three brokers down", seconds, "their start included"))


def test_votes_retried_without_an_answer_count_once(
    chances: random.Random, system: System, lost_answers: LostProduceAnswers, report: Report
) -> None:
    crowd = Crowd(chances)
    _, url = system.api()
    client = system.http_client(url)
    client.send_until_acknowledged(catalog_events())
    system.worker()
    before, lost_answers.chance = lost_answers.lost, 0.3
    try:
        for _ in range(4):
            client.send_until_acknowledged(crowd.some(20))
    finally:
        lost_answers.chance = 0.0
    lost = lost_answers.lost - before
    assert lost > 5
    seconds = system.caught_up()
    require_faithful_changes(system)
    report(system.judged("5 produce answers lost", seconds, f"{lost} answers lost"))


def test_of_two_hundred_votes_at_once_the_last_by_the_law_counts(
    chances: random.Random, system: System, report: Report
) -> None:
    _, url = system.api()
    client = system.http_client(url)
    client.send_until_acknowledged(catalog_events())
    system.worker()
    votes = [
        a_retracted_vote(tool=TOOLS[0], voter="one", time=NOON + at, id=f"many-{number:03}")
        if chances.random() < 0.3
        else a_vote(
            chances.choice(("ship", "skip")), tool=TOOLS[0], voter="one", time=NOON + at,
            id=f"many-{number:03}",
        )
        for number, at in enumerate(chances.randrange(50) for _ in range(200))
    ]  # fmt: skip
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda vote: client.send_until_acknowledged([vote]), votes))
    seconds = system.caught_up()
    assert system.number("select count(*) from ballots") == 1
    require_faithful_changes(system)
    report(system.judged("14 two hundred votes at once", seconds))
