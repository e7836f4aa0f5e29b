"""An operator of generations, on a database of its own."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from infra.postgres import engine as databases
from infra.settings import Settings
from projections import generations
from projections.read.tools import find_tool, read_tallies
from schemas.events import Event
from streams.rebuild import service
from streams.rebuild.generation_positions import look_up_positions
from tests.harness.kafka import CODEC, Sender
from tests.harness.services import Service, environment, start_service

FIRST, SECOND = "projections_1", "projections_2"


class Operator:
    """Commands and queries of an operator, and a worker that runs once it is started."""

    worker: Service | None = None

    def __init__(self, kafka: dict[str, str], database: str, data: Path) -> None:
        variables = environment(kafka=kafka, database=database, data=data)
        self.settings = Settings.from_environment(variables)
        self.engine: Engine = databases.create_engine(
            database, name="verdicts tests", idle_seconds=0
        )
        self.sender = Sender(kafka)
        self._where: dict[str, Any] = {"kafka": kafka, "database": database, "data": data}

    def start_worker(self) -> None:
        self.worker = start_service("worker", **self._where)

    def stop_worker(self) -> None:
        """A worker that leaves its group spares the next one the wait for its session to end."""
        if self.worker:
            self.worker.stop()

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Type a command as an operator does."""
        return subprocess.run(
            [sys.executable, "-m", "infra.cli", *words],
            env=environment(**self._where), capture_output=True, text=True, check=True,
        )  # fmt: skip

    def send(self, *events: Event) -> None:
        self.sender.send(events)

    def rebuild(self) -> str:
        name = service.create(self.engine)
        self.passed_over = self.resume(name)
        return name

    def resume(self, name: str) -> int:
        no_progress = lambda *_: None  # noqa: E731
        return service.rebuild(self.settings, self.engine, CODEC, name, no_progress).passed_over

    def promote(self, name: str, lock_seconds: int = generations.LOCK_SECONDS) -> int:
        return service.promote(self.settings, self.engine, CODEC, name, lock_seconds)

    def ships(self, tool: str) -> int | None:
        with self.engine.connect() as connection:
            tally = read_tallies(connection, [tool]).get(tool)
        return tally.community.ship if tally else None

    def version(self, tool: str) -> int:
        with self.engine.connect() as connection:
            record = find_tool(connection, tool)
        assert record
        return record.version

    def ships_in(self, generation: str, tool: str) -> int | None:
        query = f"select ship from {generation}.tallies where tool = :tool"
        with self.engine.connect() as connection:
            return connection.scalar(text(query), {"tool": tool})

    def lag(self) -> int:
        """How many events the live generation has not applied."""
        positions = look_up_positions(self.settings, self.engine)
        return sum(position.lag for position in positions if position.live)

    def live(self) -> str:
        with self.engine.connect() as connection:
            return generations.find_live(connection)

    def count_outbox_writes(self) -> int:
        """How often the outbox was written to so far."""
        with self.engine.connect() as connection:
            return connection.scalar(
                text("select coalesce(pg_sequence_last_value(pg_get_serial_sequence("
                     "'verdicts.outbox', 'id')), 0)")
            ) or 0  # fmt: skip
