"""What each check makes of what it sees; no server is needed for that."""

from collections.abc import Iterable
from typing import Any

import pytest

from infra.doctor import broker, machine, store
from infra.doctor.broker import PartitionState
from infra.doctor.finding import Finding, several
from infra.doctor.machine import Disk
from infra.doctor.store import Checkpoint, Connections
from infra.log import Bounds

PLACE = ("verdicts.votes.v1", 0)
THERE = {PLACE: Bounds("id-1", 10, 100)}


def a_partition(**differing: Any) -> PartitionState:
    return PartitionState(
        **{"name": "t/0", "replicas": 3, "in_sync": 3, "leader": True} | differing
    )


def read_up_to(offset: int, topic_id: str = "id-1") -> Checkpoint:
    return Checkpoint("projections_1", PLACE, topic_id, offset)


def offsets(*rows: Checkpoint) -> Iterable[Finding]:
    return store.checkpoints(rows, THERE, {PLACE: "projections_1"})


WELL = [
    broker.brokers(1, embedded=True),
    broker.brokers(3, embedded=False),
    broker.replication([a_partition()], embedded=False),
    broker.replication([a_partition(replicas=1, in_sync=1)], embedded=True),
    broker.in_sync({"t": 2}, replicas=3),
    broker.in_sync({"t": 1}, replicas=1),
    *broker.topics([], []),
    broker.schemas([], [], registry=True),
    broker.newest(ahead=-3600),
    store.version(180_006, 18),
    store.migrations("0005", "0005"),
    store.durability({"fsync": "on", "synchronous_commit": "local"}),
    store.generation("projections_2", ["projections_1", "projections_2"],
                     ["projections_1", "projections_2"]),
    *offsets(read_up_to(10)),
    *offsets(read_up_to(100)),
    store.clock(0.5),
    store.connections(Connections(10, 100)),
    store.waiting({"outbox": 0.1, "pages": 0}),
    store.services(["worker", "publisher"]),
    store.dead_letters(0),
    store.tokens({"admin": 1}),
    machine.disk(Disk("/", 50_000_000_000, 60_000_000_000)),
    machine.disk(Disk("/", 3_000_000_000, 8_000_000_000)),
    machine.permissions({"admin.token": 0o100600}),
    machine.keys(secret_keys=(), voter_key="", external=False),
    machine.keys(secret_keys=("x" * 32,), voter_key="y" * 32, external=True),
]  # fmt: skip
DOUBTFUL = [
    broker.brokers(2, embedded=False),
    broker.replication([a_partition(in_sync=2)], embedded=False),
    broker.replication([a_partition(replicas=1, in_sync=1)], embedded=False),
    *broker.topics([], ["t has max.message.bytes=1, not 2."]),
    broker.schemas([], ["t-value"], registry=True),
    broker.newest(ahead=60),
    store.durability({"fsync": "off"}),
    store.generation("projections_1", ["projections_1", "projections_2"], ["projections_1"]),
    store.clock(-3600),
    store.connections(Connections(95, 100)),
    store.dead_letters(3),
    store.tokens({}),
    machine.disk(Disk("/", 3_000_000_000, 100_000_000_000)),
    machine.keys(secret_keys=("short",), voter_key="y" * 32, external=False),
]
WRONG = [
    broker.replication([a_partition(leader=False)], embedded=False),
    broker.in_sync({"t": 1}, replicas=3),
    *broker.topics(["t"], []),
    *broker.topics([], ["t has retention.ms=1000, not -1."]),
    *broker.topics([], ["t has 2 partitions, not 3."]),
    broker.schemas(["votes.1"], [], registry=False),
    store.version(170_005, 18),
    store.migrations(None, "0005"),
    store.migrations("0004", "0005"),
    store.migrations("0006", "0005"),
    store.generation(None, [], []),
    store.generation("projections_1", ["projections_1"], []),
    store.waiting({"outbox": 61}),
    store.services(["worker"]),
    machine.disk(Disk("/", 500_000_000, 100_000_000_000)),
    machine.permissions({"admin.token": 0o100644}),
    machine.permissions({"voter.key": 0o100660}),
    machine.keys(secret_keys=("x" * 32,), voter_key="", external=True),
]


@pytest.mark.parametrize("finding", WELL, ids=lambda it: it.check)
def test_what_is_well_needs_nothing_done(finding: Finding) -> None:
    assert finding.verdict == "ok"
    assert not finding.do


@pytest.mark.parametrize("finding", DOUBTFUL, ids=lambda it: it.check)
def test_what_works_but_should_be_looked_at_is_a_warning(finding: Finding) -> None:
    assert finding.verdict == "warn"
    assert finding.do


@pytest.mark.parametrize("finding", WRONG, ids=lambda it: it.check)
def test_what_is_broken_or_in_danger_fails_and_says_what_to_do(finding: Finding) -> None:
    assert finding.verdict == "fail"
    assert finding.do


@pytest.mark.parametrize("finding", [*WELL, *DOUBTFUL, *WRONG], ids=lambda it: it.check)
def test_every_finding_is_a_sentence(finding: Finding) -> None:
    assert finding.says.endswith(".")


@pytest.mark.parametrize(
    ("row", "check"),
    [
        (read_up_to(9), "offsets"),
        (read_up_to(101), "offsets"),
        # The new log has already grown past the stored offset: only the id tells.
        (read_up_to(50, topic_id="id-2"), "topic ids"),
    ],
)
def test_offsets_that_do_not_belong_to_the_log_fail(row: Checkpoint, check: str) -> None:
    assert {it.check for it in offsets(row) if it.verdict == "fail"} == {check}


def test_a_partition_that_nobody_has_read_is_told() -> None:
    assert [it.check for it in offsets() if it.verdict == "warn"] == ["partitions"]


def test_many_names_are_cut_short() -> None:
    assert several(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
