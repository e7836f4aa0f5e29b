"""The worker as a process, between a real broker and a real database."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine, text

from infra.kafka.client import create_producer
from infra.postgres import engine as databases
from projections.read.tools import find_tool
from schemas.records import Category, Tool
from schemas.time import instants
from schemas.topics import CHANGES, DEAD_LETTERS, EVENT_TOPICS, VOTES
from tests.harness.examples import (
    MINUTE,
    NOON,
    a_bookmark,
    a_category,
    a_listing,
    a_retirement,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.kafka import CODEC, Reader, Sender, at_kafka
from tests.harness.services import Service, start_service
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.integration

LATER = NOON + MINUTE


class WorkerGroup:
    """A database of its own, and workers on it that a test may start and end."""

    def __init__(self, kafka: dict[str, str], database: str, data: Path) -> None:
        self.kafka, self.database, self.data = kafka, database, data
        self.engine: Engine = databases.create_engine(database, name="verdicts tests")
        self.sender = Sender(kafka)
        self.workers: list[Service] = []

    def start(self) -> Service:
        worker = start_service("worker", kafka=self.kafka, database=self.database, data=self.data)
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        for worker in self.workers:
            worker.stop()
        self.engine.dispose()

    def tool(self, slug: str) -> Tool | None:
        with self.engine.connect() as connection:
            return find_tool(connection, slug)

    def votes(self, slug: str) -> int:
        tool = self.tool(slug)
        return tool.community.votes if tool else -1

    def assigned(self) -> list[int]:
        """How many partitions each worker says it works on, those that say so lately."""
        query = text(
            "select detail -> 'assigned' from verdicts.heartbeats where service = 'worker' "
            "and beat > clock_timestamp() - interval '3 seconds'"
        )
        with self.engine.connect() as connection:
            assignments = connection.scalars(query)
            return sorted(
                sum(len(numbers) for numbers in assignment.values()) for assignment in assignments
            )

    def has_heard_of(self, worker: Service) -> bool:
        """Whether a worker has given a sign of life, and has not said farewell."""
        query = text("select from verdicts.heartbeats where instance like :instance")
        with self.engine.connect() as connection:
            instance = {"instance": f"%-{worker.pid}"}
            return connection.execute(query, instance).first() is not None

    def is_complete(self) -> bool:
        """Whether every partition has somebody."""
        return sum(self.assigned()) == sum(topic.partitions for topic in EVENT_TOPICS)


@pytest.fixture(scope="module")
def idle_group(
    cluster: dict[str, str], module_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerGroup]:
    group = WorkerGroup(cluster, module_database, tmp_path_factory.mktemp("worker"))
    yield group
    group.end()


@pytest.fixture
def group(idle_group: WorkerGroup) -> WorkerGroup:
    """A group with at least one running worker."""
    if not any(worker.running for worker in idle_group.workers):
        idle_group.start()
    return idle_group


@pytest.fixture
def tool(unique: Callable[[str], str]) -> str:
    return unique("tool")


@pytest.fixture
def dead_letters(cluster: dict[str, str]) -> Iterator[Reader]:
    reader = Reader(cluster, DEAD_LETTERS)
    yield reader
    reader.close()


@pytest.fixture
def changes(cluster: dict[str, str]) -> Iterator[Reader]:
    reader = Reader(cluster, CHANGES)
    yield reader
    reader.close()


def test_what_stands_on_the_topics_is_in_the_projections(group: WorkerGroup, tool: str) -> None:
    reviewer = tool.replace("tool", "reviewer")
    events = [
        a_bookmark(tool=tool, voter=tool),
        a_vote("skip", tool=tool, voter=tool),
        a_review(tool=tool, reviewer=reviewer),
        a_reviewer(reviewer),
        a_category(tool, "Its Category"),
        a_listing(tool, category=tool),
    ]
    group.sender.send(events)
    shown = wait_until(
        "the tool shows it",
        lambda: group.tool(tool),
        lambda tool: bool(
            tool
            and tool.community.skip == tool.bookmarks == tool.panel.ship == 1
            and tool.category.name == "Its Category"
        ),
    )
    assert shown
    assert shown.retired is None
    group.sender.send([a_retirement(tool, time=LATER)])
    wait_until(
        "the tool shows it", lambda: group.tool(tool), lambda tool: bool(tool and tool.retired)
    )


def test_poison_goes_to_the_dead_letters_and_the_partition_goes_on(
    group: WorkerGroup, tool: str, dead_letters: Reader
) -> None:
    key = tool.encode()
    raw = CODEC.encode(a_vote(tool=tool, voter=tool))
    group.sender.send([a_listing(tool), a_vote(tool=tool, voter=tool)])
    poisons = [
        b"garbage " * 1_000,
        raw[:-3],
        None,
        b"\0" + (4_711).to_bytes(4, "big") + raw[5:],
        CODEC.encode(a_listing(tool)),
    ]
    sent = [
        group.sender.send_raw(VOTES.name, key, value, headers=[("ce_id", b"its own")])
        for value in poisons
    ]
    group.sender.send([a_vote("skip", tool=tool, voter=tool, time=LATER)])
    wait_until(
        "the tool shows it",
        lambda: group.tool(tool),
        lambda tool: bool(tool and tool.community.skip == 1),
    )
    messages = wait_until(
        "each poison is a dead letter",
        lambda: dead_letters.of(key),
        lambda messages: len(messages) >= len(poisons),
    )
    assert [message.value() for message in messages] == poisons
    for message, original in zip(messages, sent, strict=True):
        headers: Any = dict(cast("Any", message.headers()))
        assert headers["ce_id"] == b"its own"
        assert headers["__connect.errors.topic"] == VOTES.name.encode()
        assert headers["__connect.errors.partition"] == str(original.partition()).encode()
        assert headers["__connect.errors.offset"] == str(original.offset()).encode()
        assert headers["__connect.errors.exception.message"]


def test_an_event_of_the_far_future_is_a_dead_letter_and_rules_nothing(
    group: WorkerGroup, tool: str, dead_letters: Reader
) -> None:
    never = instants.parse("9999-12-31T23:59:59Z")
    group.sender.send([a_listing(tool), a_listing(tool, "Forged", time=never, id="forged")])
    group.sender.send([a_retirement(tool, time=LATER)])
    wait_until(
        "the tool is retired", lambda: group.tool(tool), lambda tool: bool(tool and tool.retired)
    )
    (message,) = wait_until("it is a dead letter", lambda: dead_letters.of(tool.encode()))
    headers: Any = dict(cast("Any", message.headers()))
    assert b"'forged' is dated 9999-12-31" in headers["__connect.errors.exception.message"]


def test_a_transaction_on_a_topic_counts_when_it_commits_and_stalls_nothing(
    group: WorkerGroup, tool: str
) -> None:
    own: dict[str, Any] = {"tool": tool, "voter": tool}
    group.sender.send([a_listing(tool), a_vote(**own)])
    producer = create_producer(at_kafka(group.kafka), {"transactional.id": tool})
    producer.init_transactions(20)
    for end, vote in (
        (producer.abort_transaction, a_vote("ship", time=LATER + 9, **own)),
        (producer.commit_transaction, a_vote("skip", time=LATER, **own)),
    ):
        producer.begin_transaction()
        producer.produce(VOTES.name, key=tool.encode(), value=CODEC.encode(vote))
        producer.flush(20)
        end(20)
    wait_until(
        "the tool shows it",
        lambda: group.tool(tool),
        lambda tool: bool(tool and tool.community.skip == 1),
    )
    group.sender.send([a_vote("ship", time=LATER + 1, **own)])
    wait_until(
        "the tool shows it",
        lambda: group.tool(tool),
        lambda tool: bool(tool and tool.community.ship == 1),
    )


def test_a_change_is_published_as_the_whole_record(
    group: WorkerGroup, tool: str, changes: Reader
) -> None:
    group.sender.send([a_listing(tool, category=tool), a_vote(tool=tool, voter=tool)])
    key = f"tool:{tool}".encode()

    def newest() -> Tool | None:
        messages = changes.of(key)
        value = messages[-1].value() if messages else None
        record = CODEC.decode_record(value) if value else None
        return record if isinstance(record, Tool) else None

    record = wait_until(
        "the tool is published with its vote",
        newest,
        lambda record: bool(record and record.community.ship == 1),
    )
    assert record == group.tool(tool)
    assert {message.partition() for message in changes.of(key)} == {changes.of(key)[0].partition()}


def test_a_new_name_of_a_category_is_published_with_all_its_tools(
    group: WorkerGroup, tool: str, changes: Reader
) -> None:
    tools = [f"{tool}-{n}" for n in range(3)]
    group.sender.send(a_listing(slug, category=tool) for slug in tools)
    wait_until("the tool shows it", lambda: all(group.tool(slug) for slug in tools))
    group.sender.send([a_category(tool, "A New Name")])

    def names() -> set[str]:
        messages_by_tool = [changes.of(f"tool:{slug}".encode()) for slug in tools]
        values = [messages[-1].value() for messages in messages_by_tool if messages]
        records = [CODEC.decode_record(value) for value in values if value]
        return {record.category.name for record in records if isinstance(record, Tool)}

    wait_until(
        "all tools are published with the new name", names, lambda names: names == {"A New Name"}
    )
    newest = changes.of(f"category:{tool}".encode())[-1].value()
    assert newest
    record = CODEC.decode_record(newest)
    assert isinstance(record, Category)
    assert record.name == "A New Name"


def test_versions_of_a_published_tool_only_grow(
    group: WorkerGroup, tool: str, changes: Reader
) -> None:
    group.sender.send([a_listing(tool)])
    for n in range(20):
        group.sender.send([a_vote(tool=tool, voter=f"{tool}-{n}")])
    key = f"tool:{tool}".encode()

    def published() -> list[Tool]:
        values = [message.value() for message in changes.of(key)]
        records = [CODEC.decode_record(value) for value in values if value]
        return [record for record in records if isinstance(record, Tool)]

    records = wait_until(
        "the tool is published with all votes",
        published,
        lambda tools: bool(tools and tools[-1].community.ship == 20),
    )
    versions = [record.version for record in records]
    assert versions == sorted(versions)


def test_two_workers_share_the_partitions_and_one_that_leaves_gives_its_own_back(
    group: WorkerGroup, tool: str
) -> None:
    wait_until("all partitions are assigned", group.is_complete)
    second = group.start()
    wait_until(
        "both workers have partitions",
        lambda: group.assigned(),
        lambda assigned: len(assigned) == 2 and assigned[0] > 0,
    )
    group.sender.send([a_listing(tool)])
    group.sender.send(a_vote(tool=tool, voter=f"{tool}-{n}") for n in range(300))
    wait_until("all votes are applied", lambda: group.votes(tool), lambda votes: votes == 300)
    assert second.stop() == 0
    group.sender.send(a_vote(tool=tool, voter=f"{tool}-{n}") for n in range(300, 600))
    wait_until("all votes are applied", lambda: group.votes(tool), lambda votes: votes == 600)


def test_a_worker_that_is_told_to_end_ends_with_status_0_within_ten_seconds(
    idle_group: WorkerGroup,
) -> None:
    worker = idle_group.start()
    wait_until("the worker reports", lambda: idle_group.has_heard_of(worker))
    assert worker.stop() == 0
    assert not idle_group.has_heard_of(worker)


def test_a_worker_without_its_keys_says_so_in_a_sentence(
    cluster: dict[str, str], tmp_path: Path
) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "infra.cli", "worker"],
        env={
            **cluster,
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "VERDICTS_DATA": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert "VERDICTS_VOTER_KEY" in process.stderr
