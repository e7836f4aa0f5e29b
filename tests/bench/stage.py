"""The stage of a benchmark: one broker, one database server, the same votes for everybody."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path

import msgspec
import psycopg
from confluent_kafka import Producer

from infra.embedded.kafka.jars import class_path
from infra.embedded.kafka.java import java
from infra.embedded.kafka.server import Kafka
from infra.embedded.orphan_guardian import Guardian
from infra.embedded.postgres.server import Postgres
from infra.kafka.client import create_producer
from infra.kafka.codec import Codec
from infra.settings import Settings
from schemas.events import Event, VoteCast
from tests.harness.examples import a_listing

NOON = 1_763_640_000_000_000
TOOLS = 20
KEYS = {"VERDICTS_SECRET_KEY": "b" * 40, "VERDICTS_VOTER_KEY": "v" * 40}


class Stage(msgspec.Struct):
    """Where the servers are; `environment` is what a service of ours needs to know."""

    folder: Path
    kafka: str
    server: str

    def database(self) -> str:
        """Make an empty database on the server, and give its address."""
        name = f"bench_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return self.server.rpartition("/")[0] + f"/{name}"

    def environment(self, database: str) -> dict[str, str]:
        """The environment of a service on this stage."""
        return {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "DATABASE_URL": database,
            **KEYS,
            "VERDICTS_DATA": str(self.folder / "data"),
            "VERDICTS_VOTER_CHANGES_PER_MINUTE": "0",
        }

    def migrated(self) -> dict[str, str]:
        """A new database with all tables; gives the environment that points to it."""
        environment = self.environment(self.database())
        run(["migrate"], environment)
        return environment


@contextmanager
def stage() -> Iterator[Stage]:
    """Start the servers in a folder of their own, with all topics, and end them afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="verdicts-bench-"))
    folder.chmod(0o755)
    guardian = Guardian()
    try:
        # Every program of a comparison connects in the same way, the simplest one.
        jars = class_path(folder, lambda *_: None)
        kafka = Kafka(folder, java(), jars, authenticate=False)
        kafka.start(guardian.spawn)
        postgres = Postgres(folder)
        postgres.start(guardian.spawn)
        servers = Stage(folder, kafka.address, postgres.address)
        run(["topics", "apply"], servers.environment(postgres.address))
        yield servers
    finally:
        guardian.close()
        shutil.rmtree(folder, ignore_errors=True)


def run(arguments: list[str], environment: dict[str, str]) -> None:
    """Run one `verdicts` command to its end."""
    command = [sys.executable, "-m", "infra.cli", *arguments]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def votes(count: int, voters: int) -> Iterator[Event]:
    """The same `count` votes every time, of so many voters, over twenty tools."""
    chance = random.Random(7)
    for number in range(count):
        choice: VoteCast = VoteCast(
            tool=f"tool-{chance.randrange(TOOLS)}",
            voter=f"voter-{chance.randrange(voters):016d}",
            choice=chance.choice(("ship", "skip")),
        )
        yield Event(f"01980000-0000-7000-8000-{number:012d}", NOON + number, choice)


@cache
def expected(count: int, voters: int) -> int:
    """How many ballots the votes leave, by plain counting."""
    return len({(vote.data.voter, vote.data.tool) for vote in votes(count, voters)})  # type: ignore[attr-defined]


def fill(stage: Stage, count: int, voters: int) -> None:
    """Put the tools and the votes on the log."""
    put(stage, chain(_listings(), votes(count, voters)))


def _listings() -> Iterator[Event]:
    for number in range(TOOLS):
        slug = f"tool-{number}"
        yield a_listing(slug, f"Tool {number}", "bench", time=NOON, id=f"listed-{slug}")


def put(stage: Stage, events: Iterable[Event]) -> None:
    """Put events on their topics, and return when the broker has them all."""
    codec = Codec()
    producer = create_producer(
        Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": stage.kafka}),
        {"linger.ms": 20, "queue.buffering.max.messages": 1_000_000},  # as fast as it can
    )
    for number, event in enumerate(events):
        send(producer, codec, event)
        if number % 5_000 == 0:
            producer.poll(0)
    producer.flush()


def send(producer: Producer, codec: Codec, event: Event) -> None:
    """Put one event on its topic."""
    value, key = codec.encode(event), event.key.encode()
    while True:
        try:
            producer.produce(event.data.topic.name, value, key)
        except BufferError:
            producer.poll(0.1)
        else:
            return
