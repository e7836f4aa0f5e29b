"""One test's system: fresh topics, a fresh database, and the services that the test starts."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import psycopg
from confluent_kafka import KafkaException

from infra.cli.setup.migrate import migrate_database
from infra.embedded import ports
from infra.embedded.process import Spawn
from infra.kafka import topics
from infra.kafka.client import create_admin
from infra.kafka.offsets import LogOffsets
from infra.postgres.engine import create_engine
from infra.settings import Settings
from projections import generations
from projections.private import tokens
from projections.read.checkpoints import read_offsets
from schemas.topics import EVENT_PARTITIONS, TOPICS, Topic, TopicPartition
from streams.api.auth.voter_cookie import VoterCookies
from streams.processing import outbox_relay
from tests.faults.harness.brokers import Cluster
from tests.faults.harness.checks import audit, oracle
from tests.faults.harness.checks.ledger import Ledger
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.clients import HttpClient, LogClient
from tests.faults.harness.proxy import Proxy
from tests.faults.harness.taps import LostCommits
from tests.harness.services import ROOT, Service, verdicts
from tests.harness.waiting import Stopwatch, wait_until

T = TypeVar("T")
_KEY = "a key for faults"
PUBLIC_URL = "http://verdicts.test"
_MIGRATIONS = sorted((ROOT / "infra" / "migrations" / "versions").glob("*.py"))
# A copy of the project whose migrations differ has a template of its own.
_CONTENT = b"".join(file.read_bytes() for file in _MIGRATIONS)
_TEMPLATE = f"faults_template_{hashlib.sha256(_CONTENT).hexdigest()[:8]}"

_SEE_LIVE = """
select set_config('search_path', live || ', verdicts', false) from verdicts.generation
"""
_END_RELAY = """
select pg_terminate_backend(pid) from pg_locks
where locktype = 'advisory' and granted and objid::bigint = %(relay)s and pid <> pg_backend_pid()
and database = (select oid from pg_database where datname = current_database())
"""
_RELAY_WAITS = """
select count(*) from pg_stat_activity
where datname = current_database() and application_name = %s and pid <> pg_backend_pid()
"""


class System:
    """Servers, services and ledger of one test.

    Args:
        cluster: The brokers; all topics on them are made anew.
        database: `postgresql://…` of a fresh database, see `template`.
        folder: Takes the site and the logs.
        spawn: Starts processes.
    """

    def __init__(self, cluster: Cluster, database: str, folder: Path, spawn: Spawn) -> None:
        self.cluster = cluster
        self.database = database
        self.folder = folder
        self.ledger = Ledger()
        self.lost_commits = LostCommits(b"next_offset = ")
        address, self._port = _parts(database)
        self.database_proxy = Proxy(self._port, self.lost_commits.tap)
        self.settings = Settings.from_environment(
            {
                "VERDICTS_DATA": str(folder),
                "VERDICTS_DEMO": "0",
                "VERDICTS_SECRET_KEY": _KEY,
                "VERDICTS_VOTER_KEY": _KEY,
                "KAFKA_BOOTSTRAP_SERVERS": cluster.direct,
                "DATABASE_URL": database,
            }
        )
        self.engine = create_engine(self.settings, name="faults")
        self.log = LogOffsets(self.settings)
        self._proxied_database = address.format(port=self.database_proxy.port)
        self._spawn = spawn
        self._services: list[Service] = []
        self._clients: list[HttpClient] = []
        self._background = ThreadPoolExecutor(4)
        self._token = ""
        self.voter_cookies = VoterCookies([_KEY], _KEY, secure=False)
        renew_topics(self.settings)

    # What a test starts

    def worker(self, instance: str = "worker-1", **more: Any) -> Service:
        """A worker; with an empty name, one of dynamic membership."""
        return self._service("worker", instance, **more)

    def held_worker(self) -> Service:
        """A worker whose transactions stop at the gate before their checkpoints."""
        _, at, address = self._proxied_database.rpartition("@")
        return self._service("worker", "", database=f"postgresql://{audit.HELD}:held{at}{address}")

    def publisher(self, instance: str = "publisher-1", **more: Any) -> Service:
        return self._service("publisher", instance, **more)

    def api(self, **more: Any) -> tuple[Service, str]:
        """An API, and its address."""
        port = ports.choose(self.folder, "api")["api"]
        service = self._service("api", "", port=port, **more)
        url = f"http://{ports.LOOPBACK}:{port}"
        wait_until("the API answers", lambda: _is_200(f"{url}/readyz"))
        return service, url

    def _service(
        self,
        verb: str,
        instance: str,
        *,
        port: int = 8080,
        clock_off: float = 0.0,
        database: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> Service:
        environment = {
            "VERDICTS_DATA": str(self.folder),
            "VERDICTS_PORT": str(port),
            "VERDICTS_PUBLIC_URL": PUBLIC_URL,
            "VERDICTS_INSTANCE": instance,
            "VERDICTS_VOTER_CHANGES_PER_MINUTE": "0",
            "VERDICTS_SECRET_KEY": _KEY,
            "VERDICTS_VOTER_KEY": _KEY,
            "KAFKA_BOOTSTRAP_SERVERS": self.cluster.through_proxies,
            "DATABASE_URL": database or self._proxied_database,
            **(variables or {}),
        }
        name = f"{verb}-{len(self._services)}"
        log = self.folder / "logs" / f"{name}.log"
        service = Service(
            verdicts(verb, clock_off=clock_off), environment, log, self._spawn
        ).start()
        self._services.append(service)
        return service

    # How a test sends

    def log_client(self, ledger: Ledger | None = None) -> LogClient:
        return LogClient(self.settings, ledger or self.ledger)

    def http_client(self, url: str, ledger: Ledger | None = None) -> HttpClient:
        client = HttpClient(
            url,
            self.token,
            ledger or self.ledger,
            lambda voter: self.voter_cookies.gateway_pseudonym("admin", voter),
        )
        self._clients.append(client)
        return client

    @property
    def token(self) -> str:
        """A bearer token with the role `admin`."""
        if not self._token:
            with self.engine.begin() as connection:
                self._token = tokens.create(connection, name="faults", role="admin").text
        return self._token

    # What a test looks at

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """A connection that sees the live projections, and each statement on its own."""
        with psycopg.connect(
            self.database, autocommit=True, application_name="faults"
        ) as connection:
            connection.execute(_SEE_LIVE.encode())
            yield connection

    def number(self, query: str) -> int:
        """The number that a query returns."""
        with self.connection() as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row
        return int(row[0])

    def run(self, statements: str) -> None:
        """Do something to the database."""
        with self.connection() as connection:
            connection.execute(statements.encode())

    @property
    def lagging(self) -> dict[TopicPartition, int]:
        """Partitions with records that are not applied, and how many."""
        ends = self.log.ends(EVENT_PARTITIONS)
        with self.engine.connect() as connection:
            at = read_offsets(connection, generations.find_live(connection))
        return {
            topic_partition: end - at.get(topic_partition, 0)
            for topic_partition, end in ends.items()
            if end > at.get(topic_partition, 0)
        }

    @property
    def lag(self) -> int:
        """Records on the log that are not applied."""
        return sum(self.lagging.values())

    @property
    def applied(self) -> int:
        """Records before the live checkpoints."""
        return self.number("select coalesce(sum(next_offset), 0) from checkpoints")

    @property
    def applied_twice(self) -> int:
        """Records that more than one transaction moved a checkpoint over."""
        with self.connection() as connection:
            return audit.applied_twice(connection)

    @property
    def waiting(self) -> int:
        """Changes that are not relayed."""
        return self.number("select count(*) from verdicts.outbox")

    def caught_up(self, seconds: float = 60) -> float:
        """Wait until everything on the log is applied and relayed; the seconds that took."""
        watch = Stopwatch()
        wait_until("all events are applied", lambda: self.lag == 0, seconds=seconds)
        wait_until("all changes are relayed", lambda: self.waiting == 0, seconds=seconds)
        return watch.seconds

    def blocked(self, application: str, query: str = "%") -> int:
        """Backends of an application that wait for a lock in such a query."""
        with self.connection() as connection:
            return audit.blocked(connection, application, query)

    @property
    def tallying(self) -> int:
        """Batches of votes or bookmarks that wait to write tallies."""
        return self.blocked("verdicts worker", "%insert into tallies%")

    def gate(self, key: int) -> Any:
        return audit.gate(self.database, key)

    def locked(self, statement: str) -> Any:
        return audit.locked(self.database, f"set search_path = projections_1; {statement}")

    def in_background(self, action: Callable[[], T]) -> "Future[T]":
        """Run something that blocks on a thread of its own."""
        return self._background.submit(action)

    @contextmanager
    def without_topic(self, topic: Topic) -> Iterator[None]:
        """Delete a topic, and create it again at the end."""
        delete_topics(self.settings, {topic.name})
        try:
            yield
        finally:
            topics.apply(self.settings, [topic])

    @contextmanager
    def without_relay(self, worker: str) -> Iterator[None]:
        """Take the relay's lock and hold it; changes wait in the outbox.

        `worker` names the worker in whose name it is kept, since a silent keeper is ended.
        """
        name = f"worker {worker}"
        with psycopg.connect(self.database, autocommit=True, application_name=name) as connection:

            def taken() -> bool:
                connection.execute(_END_RELAY.encode(), {"relay": outbox_relay.ADVISORY_LOCK})
                row = connection.execute(
                    "select pg_try_advisory_lock(%s)", [outbox_relay.ADVISORY_LOCK]
                ).fetchone()
                return bool(row and row[0])

            def waits() -> bool:
                row = connection.execute(_RELAY_WAITS, [name]).fetchone()
                return bool(row and row[0])

            wait_until("the relay's lock is taken", taken)
            # It may be in the middle of publishing, and goes on as long as there is something to
            # publish. Where it is back for its turn, with a new connection, it is not.
            wait_until("the relay waits for its lock", waits)
            yield

    def judged(self, fault: str, seconds: float, note: str = "") -> Figures:
        """End the workers, and compare what they leave with a replay and with the ledger."""
        for service in self._services:
            if "worker" in service.command:
                service.end()
        differences = oracle.replay_differs(self.settings, self.engine)
        assert not differences, "\n".join(differences)
        return oracle.judge(fault, self.settings, self.engine, self.ledger, seconds, note)

    # How it ends

    def close(self) -> None:
        for client in self._clients:
            client.close()
        for service in self._services:
            service.end()
            print(service.tail)  # shown where a test fails
        self._background.shutdown(wait=False)
        self.engine.dispose()
        self.database_proxy.close()


def renew_topics(settings: Settings, which: Sequence[Topic] = TOPICS) -> None:
    """Delete topics and create them again."""
    there = create_admin(settings).list_topics(timeout=30).topics
    delete_topics(settings, {topic.name for topic in which} & set(there))
    topics.apply(settings, which)


def delete_topics(settings: Settings, names: set[str]) -> None:
    """Delete topics, and return when no broker knows them any more: each learns it by itself."""
    if names:
        client = create_admin(settings)
        for done in client.delete_topics(sorted(names), operation_timeout=30).values():
            done.result()
        brokers = [
            msgspec.structs.replace(settings, kafka=address)
            for address in settings.kafka.split(",")
        ]
        wait_until(
            "no broker knows the topics",
            lambda: not any(names & _known_topics(broker) for broker in brokers),
        )


def _known_topics(broker: Settings) -> set[str]:
    """What one broker says; a new client asks the only address that it has."""
    return set(create_admin(broker).list_topics(timeout=30).topics)


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """An empty, migrated and audited database, dropped afterwards."""
    name = f"faults_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        _require_template(server, connection)
        connection.execute(f"create database {name} template {_TEMPLATE}".encode())
        try:
            yield _database(server, name)
        finally:
            connection.execute(f"drop database if exists {name} with (force)".encode())


def _require_template(server: str, connection: psycopg.Connection) -> None:
    """Create the template of all databases, once per server."""
    there = "select 1 from pg_database where datname = %s"
    if connection.execute(there, [_TEMPLATE]).fetchone():
        return
    if not connection.execute("select 1 from pg_roles where rolname = %s", [audit.HELD]).fetchone():
        connection.execute(f"create role {audit.HELD} superuser login password 'held'".encode())
    connection.execute(f"create database {_TEMPLATE}".encode())
    settings = msgspec.structs.replace(
        Settings.from_environment({}), database_url=_database(server, _TEMPLATE)
    )
    migrate_database(settings)
    with psycopg.connect(settings.database_url, autocommit=True) as template:
        template.execute(audit.INSTALL.encode())


def _database(server: str, name: str) -> str:
    return f"{server.rpartition('/')[0]}/{name}"


def _parts(url: str) -> tuple[str, int]:
    """The address with a place for another port, and the port."""
    head, _, tail = url.rpartition(":")
    port, _, database = tail.partition("/")
    return f"{head}:{{port}}/{database}", int(port)


def _is_200(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except (httpx.TransportError, KafkaException):
        return False
