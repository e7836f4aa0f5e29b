"""Starts the embedded PostgreSQL and Kafka of a data folder at the same time."""

import threading
import time
from collections.abc import Callable

import msgspec

from infra.embedded.kafka.jars import class_path
from infra.embedded.kafka.java import java
from infra.embedded.kafka.server import Kafka
from infra.embedded.postgres.server import MAX_CONNECTIONS, Postgres
from infra.embedded.process import Child, Spawn
from infra.settings import Settings
from infra.supervisor.console import Screen
from infra.supervisor.supervisor import Service, Supervisor

KAFKA_GRACE_SECONDS, POSTGRES_GRACE_SECONDS = 4.0, 2.0
KAFKA_MEGABYTES = 46
CONNECTIONS_OF_AN_API = 40
"""Connections to the database that a process of the API may have open."""


class EmbeddedServers:
    """The servers of one data folder; a server that the settings name is external instead."""

    def __init__(
        self, settings: Settings, screen: Screen, supervisor: Supervisor, spawn: Spawn
    ) -> None:
        """Prepare; `start` starts the servers."""
        self._settings, self._screen = settings, screen
        self._supervisor, self._spawn = supervisor, spawn
        self._logs = settings.data / "logs"
        self._addresses: dict[str, str | dict[str, str]] = {}
        self.postgres_home: str | None = None

    def start(self) -> Settings:
        """Start the servers at the same time, and return the settings of their clients."""
        starts = []
        if not self._settings.database_url:
            starts.append(self._start_postgres)
        if not self._settings.kafka:
            starts.append(self._start_kafka)
        run_concurrently(*starts)
        return msgspec.structs.replace(self._settings, **self._addresses)

    def _start_postgres(self) -> None:
        with self._screen.step("Starting PostgreSQL") as step:
            server = Postgres(self._settings.data, connections_for(self._settings.api_processes))
            self.postgres_home = str(server.location.cluster)
            self._run("postgres", server, POSTGRES_GRACE_SECONDS)
            step.result = f"PostgreSQL on {server.address.rpartition('@')[2]}"
        self._addresses["database_url"] = server.address

    def _start_kafka(self) -> None:
        with self._screen.step("Looking for Kafka") as step:
            jars = class_path(self._settings.data, DownloadProgress(step.update))
            step.update("Starting Kafka")
            server = Kafka(self._settings.data, java(), jars)
            self._run("kafka", server, KAFKA_GRACE_SECONDS)
            step.result = f"Kafka on {server.address}"
        self._addresses |= {"kafka": server.address, "kafka_security": server.security}

    def _run(self, name: str, server: Kafka | Postgres, grace: float) -> None:
        def start() -> Child:
            return server.start(self._spawn)

        log = self._logs / f"{name}.log"
        self._supervisor.run(Service(name, start, server.stop_signal, grace, log))


def connections_for(api_processes: int) -> int:
    """How many connections the database takes, for so many processes of the API and all else."""
    return MAX_CONNECTIONS + CONNECTIONS_OF_AN_API * (api_processes - 1)


class DownloadProgress:
    """Sums the bytes of parallel downloads, and reports them at most ten times a second."""

    def __init__(self, report: Callable[[str], None]) -> None:
        """Report through `report`, from the downloading threads."""
        self._report = report
        self._received: dict[str, int] = {}
        self._last_report = 0.0

    def __call__(self, name: str, received: int, _total: int) -> None:
        """Record how many bytes of one file have arrived."""
        self._received[name] = received
        if time.monotonic() - self._last_report > 0.1:
            self._last_report = time.monotonic()
            megabytes = sum(self._received.copy().values()) / 1e6
            self._report(f"Downloading Kafka, once: {megabytes:.0f} of {KAFKA_MEGABYTES} MB")


def run_concurrently(*jobs: Callable[[], None]) -> None:
    """Run jobs in threads and wait for all; the first failure is raised without waiting.

    The threads are daemons, and the wait polls: a signal interrupts it at once.
    """
    failures: list[Exception] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and not failures:
        time.sleep(0.02)
    if failures:
        raise failures[0]
