"""The serving process on a real broker and a real database, without workers."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

import httpx
import psycopg

from infra.cli.setup.migrate import migrate_database
from infra.kafka import topics
from infra.kafka.client import create_producer
from infra.kafka.codec import Codec
from infra.postgres.engine import create_engine
from infra.settings import Settings
from projections.private import tokens
from schemas.records import Tool
from schemas.topics import CHANGES, TOPICS
from tests.harness.ports import free_port
from tests.harness.waiting import wait_until

RUN = (
    sys.executable,
    "-c",
    "import os; from infra.settings import Settings; from streams.api.server import main; "
    "main(Settings.from_environment(os.environ))",
)


class Api:
    """The API on a port of its own.

    Args:
        kafka: The settings of the brokers.
        database: `postgresql://…`.
        command: Starts it.
        variables: Further settings.
    """

    def __init__(
        self, kafka: dict[str, str], database: str, command: Sequence[str] = RUN, **variables: str
    ) -> None:
        self.kafka = kafka
        self.command = command
        self.port = free_port()
        self.environ = {
            **kafka,
            "DATABASE_URL": database,
            "VERDICTS_SECRET_KEY": "s" * 32,
            "VERDICTS_VOTER_KEY": "v" * 32,
            "VERDICTS_PORT": str(self.port),
            **variables,
        }
        self.settings = Settings.from_environment(self.environ)
        self.url = f"http://127.0.0.1:{self.port}"
        self.here = {"Origin": self.url}
        self.client = httpx.Client(base_url=self.url, timeout=20, trust_env=False)
        self.database = database
        self.process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        migrate_database(self.settings)
        topics.apply(self.settings, TOPICS)

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, env=os.environ | self.environ)
        self.await_true("it is ready", lambda: self.client.get("/readyz").status_code == 200)

    def await_true(self, what: str, holds: Callable[[], bool]) -> None:
        """Ask until it holds; a process that ended fails the test at once."""

        def asked() -> bool:
            assert self.process is None or self.process.poll() is None
            with contextlib.suppress(httpx.TransportError):
                return holds()
            return False

        wait_until(what, asked, seconds=30)

    def token(self, role: str) -> dict[str, str]:
        with create_engine(self.settings).begin() as connection:
            text = tokens.create(connection, name="test", role=role).text
        return {"Authorization": f"Bearer {text}"}

    def say(self, channel: str, payload: str) -> None:
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute("select pg_notify(%s, %s)", (channel, payload))

    def publish(self, record: Tool) -> None:
        producer = create_producer(self.settings)
        producer.produce(CHANGES.name, Codec().encode_record(record), f"tool:{record.tool}")
        assert producer.flush(10) == 0
