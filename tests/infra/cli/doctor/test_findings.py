"""What each check makes of what it sees; no server is needed for that."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from infra.cli.doctor import (
    host_checks,
    kafka_checks,
    pipeline_checks,
    postgres_checks,
    schema_checks,
)
from infra.cli.doctor.finding import Finding, several
from infra.cli.doctor.host_checks import Disk, KeyHolder
from infra.cli.doctor.postgres_checks import Connections
from infra.kafka.acknowledgement.in_sync_replicas import PartitionState
from infra.kafka.offsets import Bounds
from infra.kafka.reader import LogRecord
from infra.operations.event_query.query import FoundEvent
from projections.event_references import Dangling
from projections.generations import Generations
from projections.pipeline_state import Heartbeat, Queue
from projections.read.checkpoints import Checkpoint
from schemas.time import instants
from schemas.topics import TopicPartition
from tests.harness.examples import a_vote
from tests.harness.waiting import wait_until
from tests.infra.cli.doctor.findings import astray

PARTITION = ("verdicts.votes.v1", 0)
CHANGES = tuple(("verdicts.changes.v1", number) for number in range(3))
NEVER = instants.parse("9999-12-31T23:59:59Z")
FORGED = FoundEvent(LogRecord(*PARTITION, 17, 0, b"v-1", b""), a_vote(time=NEVER, id="forged"))
BOUNDS = {PARTITION: Bounds("id-1", 10, 100)}


def a_partition(**differing: Any) -> PartitionState:
    state: dict[str, Any] = {"replicas": 3, "in_sync": 3, "leader": True}
    return PartitionState("t", 0, **state | differing)


def read_up_to(
    offset: int,
    topic_id: str = "id-1",
    reader: str = "projections_1",
    partition: TopicPartition = PARTITION,
) -> Checkpoint:
    return Checkpoint(reader, partition, topic_id, offset)


def offsets(*rows: Checkpoint) -> Iterable[Finding]:
    return pipeline_checks.checkpoints(rows, BOUNDS, "projections_1")


WELL = [
    kafka_checks.brokers(1, embedded=True),
    kafka_checks.brokers(3, embedded=False),
    kafka_checks.replication([a_partition()], embedded=False),
    kafka_checks.replication([a_partition(replicas=1, in_sync=1)], embedded=True),
    kafka_checks.acknowledgement([a_partition(in_sync=2)], {"t": 2}),
    kafka_checks.acknowledgement([a_partition(replicas=1, in_sync=1)], {"t": 1}),
    kafka_checks.acknowledgement([a_partition(replicas=1, in_sync=1)], {"t": 2}),
    *kafka_checks.topics([], []),
    schema_checks.schemas([], [], registry=True),
    kafka_checks.newest(ahead=-3600),
    postgres_checks.version(180_006, 18),
    postgres_checks.migrations("0005", "0005"),
    postgres_checks.durability({"fsync": "on", "synchronous_commit": "local"}),
    pipeline_checks.generation(
        Generations("projections_2", ("projections_1", "projections_2"),
                    ("projections_1", "projections_2"))
    ),
    *offsets(read_up_to(10)),
    *offsets(read_up_to(100)),
    postgres_checks.clock(0.5),
    postgres_checks.connections(Connections(10, 100)),
    pipeline_checks.waiting([Queue("outbox", 1, 0.1), Queue("pages", 0, 0)]),
    pipeline_checks.services(
        [Heartbeat("worker", "1", 1), Heartbeat("publisher", "1", 9), Heartbeat("mailer", "1", 9)]
    ),
    pipeline_checks.dead_letters(0),
    pipeline_checks.dangling([]),
    *pipeline_checks.event_times([], {}),
    postgres_checks.tokens({"admin": 1}),
    postgres_checks.proxies({"10.0.0.0/24": 59, "8.8.8.0/24": 60, "": 60}, 60),
    host_checks.disk(Disk("/", 50_000_000_000, 60_000_000_000)),
    host_checks.disk(Disk("/", 3_000_000_000, 8_000_000_000)),
    host_checks.permissions({"admin.token": 0o100600}),
    host_checks.foreign_environments([]),
    host_checks.keys(secret_keys=(), voter_key="", external=False),
    host_checks.keys(secret_keys=("x" * 32,), voter_key="y" * 32, external=True),
]  # fmt: skip
DOUBTFUL = [
    kafka_checks.brokers(2, embedded=False),
    kafka_checks.replication([a_partition(in_sync=2)], embedded=False),
    kafka_checks.replication([a_partition(replicas=1, in_sync=1)], embedded=False),
    *kafka_checks.topics([], ["t has max.message.bytes=1, not 2."]),
    schema_checks.schemas([], ["t-value"], registry=True),
    kafka_checks.newest(ahead=60),
    postgres_checks.durability({"fsync": "off"}),
    pipeline_checks.generation(
        Generations("projections_1", ("projections_1", "projections_2"), ("projections_1",))
    ),
    postgres_checks.clock(-3600),
    postgres_checks.connections(Connections(95, 100)),
    pipeline_checks.dead_letters(3),
    pipeline_checks.dangling([Dangling("reviews", 2, "tool", "alhpa")]),
    *pipeline_checks.event_times([FORGED], {}),
    *pipeline_checks.event_times([FORGED], {PARTITION: NEVER - 1}),
    postgres_checks.tokens({}),
    postgres_checks.proxies({"10.0.0.0/24": 60}, 60),
    host_checks.disk(Disk("/", 3_000_000_000, 100_000_000_000)),
    host_checks.keys(secret_keys=("short",), voter_key="y" * 32, external=False),
    pipeline_checks.services([Heartbeat("worker", "1", 1), Heartbeat("publisher", "1", 1)]),
]
WRONG = [
    kafka_checks.replication([a_partition(leader=False)], embedded=False),
    kafka_checks.acknowledgement([a_partition()], {"t": 1}),
    kafka_checks.acknowledgement([a_partition(in_sync=1)], {"t": 2}),
    *kafka_checks.topics(["t"], []),
    *kafka_checks.topics([], ["t has retention.ms=1000, not -1."]),
    *kafka_checks.topics([], ["t has 2 partitions, not 3."]),
    schema_checks.schemas(["votes.1"], [], registry=False),
    postgres_checks.version(170_005, 18),
    postgres_checks.migrations(None, "0005"),
    postgres_checks.migrations("0004", "0005"),
    postgres_checks.migrations("0006", "0005"),
    pipeline_checks.generation(Generations(None, (), ())),
    pipeline_checks.generation(Generations("projections_1", ("projections_1",), ())),
    *pipeline_checks.event_times([FORGED], {PARTITION: NEVER}),
    pipeline_checks.waiting([Queue("outbox", 1, 61)]),
    pipeline_checks.waiting([Queue("pages", 1, 61)]),
    pipeline_checks.services([Heartbeat("worker", "1", 1)]),
    pipeline_checks.services([Heartbeat("worker", "1", 1), Heartbeat("publisher", "1", 10)]),
    host_checks.disk(Disk("/", 500_000_000, 100_000_000_000)),
    host_checks.permissions({"admin.token": 0o100644}),
    host_checks.permissions({"voter.key": 0o100660}),
    host_checks.foreign_environments([KeyHolder(7, "java", "ann")]),
    host_checks.keys(secret_keys=("x" * 32,), voter_key="", external=True),
]


@pytest.mark.parametrize("finding", WELL, ids=lambda finding: finding.check)
def test_a_check_that_passes_asks_for_nothing(finding: Finding) -> None:
    assert finding.verdict == "ok"
    assert not finding.do


def test_an_event_dated_ahead_is_named_with_its_position() -> None:
    (finding,) = pipeline_checks.event_times([FORGED], {})
    assert "'forged' (vote.cast of 9999-12-31T23:59:59Z) at verdicts.votes.v1/0/17" in finding.says


@pytest.mark.parametrize("finding", DOUBTFUL, ids=lambda finding: finding.check)
def test_a_doubt_is_a_warning_and_says_what_to_do(finding: Finding) -> None:
    assert finding.verdict == "warn"
    assert finding.do


@pytest.mark.parametrize("finding", WRONG, ids=lambda finding: finding.check)
def test_a_fault_or_danger_fails_and_says_what_to_do(finding: Finding) -> None:
    assert finding.verdict == "fail"
    assert finding.do


@pytest.mark.parametrize("finding", [*WELL, *DOUBTFUL, *WRONG], ids=lambda finding: finding.check)
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
    assert {finding.check for finding in offsets(row) if finding.verdict == "fail"} == {check}


def test_the_live_generation_is_folded_again_from_a_log_that_ends_too_soon() -> None:
    whole = {PARTITION: Bounds("id-1", 0, 100)}
    (finding,) = astray(pipeline_checks.checkpoints([read_up_to(101)], whole, "projections_1"))
    assert finding.verdict == "fail"
    assert finding.do.startswith("Run: verdicts projections rebuild, then promote")


def test_a_log_without_its_beginning_is_nothing_to_fold_again() -> None:
    (finding,) = astray(offsets(read_up_to(9)))
    assert "verdicts projections rebuild" not in finding.do
    assert "verdicts log import" in finding.do


@pytest.mark.parametrize("lost", [read_up_to(101), read_up_to(50, "id-2")])
def test_an_unusable_generation_beside_the_live_one_is_a_warning(
    lost: Checkpoint,
) -> None:
    beside = Checkpoint("projections_2", PARTITION, lost.topic_id, lost.offset)
    (finding,) = astray(offsets(read_up_to(50), beside))
    assert finding.verdict == "warn"
    assert finding.do.endswith("verdicts projections drop projections_2")


def test_each_unusable_generation_is_a_finding_of_its_own() -> None:
    rows = [read_up_to(101), read_up_to(102, reader="projections_2")]
    assert [(finding.verdict, finding.says) for finding in astray(offsets(*rows))] == [
        ("fail", "The offset of verdicts.votes.v1/0 of projections_1 lies outside the log."),
        ("warn", "The offset of verdicts.votes.v1/0 of projections_2 lies outside the log."),
    ]


def test_advice_on_partitions_names_the_tool_that_can_change_them() -> None:
    (fewer,) = kafka_checks.topics([], ["t has 2 partitions, not 3."])
    (shorter,) = kafka_checks.topics([], ["t has retention.ms=1000, not -1."])
    assert "kafka-configs" not in fewer.do
    assert "kafka-topics --alter" in fewer.do
    assert "kafka-configs" in shorter.do


def test_a_disk_is_checked_once_for_all_its_folders(tmp_path: Path) -> None:
    (disk,) = host_checks.disks([tmp_path, tmp_path / "to come"])
    assert disk.path == str(tmp_path)
    assert [disk.path for disk in host_checks.disks([tmp_path, Path("/dev")])] == [
        str(tmp_path),
        "/dev",
    ]


def test_a_partition_that_was_never_read_is_a_finding() -> None:
    assert [finding.check for finding in offsets() if finding.verdict == "warn"] == ["partitions"]


def test_what_hangs_in_the_air_is_named_with_what_it_waits_for() -> None:
    finding = pipeline_checks.dangling(
        [Dangling("reviews", 2, "tool", "alhpa"), Dangling("votes", 1_200, "tool", "b")]
    )
    assert "2 reviews for the tool 'alhpa', 1,200 votes for the tool 'b'" in finding.says


def test_many_names_are_cut_short() -> None:
    assert several(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads environments of other users")
def test_keys_in_the_environment_of_another_user_are_found() -> None:
    key = "k" * 32
    environment = {"VERDICTS_SECRET_KEY": f"{'n' * 32},{key}"}
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=65534, env=environment) as other:
        (holder,) = wait_until("it runs", lambda: host_checks.key_holders({key}))
        assert holder.pid == other.pid
        assert host_checks.key_holders({"another key"}) == []
        other.communicate()
