"""Heartbeats: each process records about once a second that it runs, and what it does."""

import os
import socket
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Engine

SECONDS = 1.0

_RECORD = """
insert into verdicts.heartbeats (service, instance, beat, detail)
values (%(service)s, %(instance)s, clock_timestamp(), %(detail)s::jsonb)
on conflict (service, instance) do update set beat = excluded.beat, detail = excluded.detail
"""
_DELETE_OLD = "delete from verdicts.heartbeats where beat < clock_timestamp() - interval '1 day'"
_REMOVE = "delete from verdicts.heartbeats where service = %(service)s and instance = %(instance)s"
log = structlog.get_logger(__name__)


def record(connection: Connection, service: str, instance: str, detail: dict[str, Any]) -> None:
    """Record a heartbeat, and delete those older than a day.

    Args:
        connection: In a transaction of the caller.
        service: Name of the service.
        instance: Name of this replica.
        detail: A JSON object that `/status` shows.
    """
    heartbeat = {
        "service": service,
        "instance": instance,
        "detail": msgspec.json.encode(detail).decode(),
    }
    connection.exec_driver_sql(_RECORD, heartbeat)
    connection.exec_driver_sql(_DELETE_OLD)


def remove(connection: Connection, service: str, instance: str) -> None:
    """Delete the heartbeat of a process that ends in an orderly way."""
    connection.exec_driver_sql(_REMOVE, {"service": service, "instance": instance})


def instance_name(configured: str) -> str:
    """Name this process as configured, else by host and pid."""
    return configured or f"{socket.gethostname()}-{os.getpid()}"


class HeartbeatThread(threading.Thread):
    """Records this process's heartbeat every second, and removes it at the end.

    Args:
        engine: The database.
        service: The kind of process.
        instance: The name of this one.
        detail: Called for each heartbeat; says what the process does.
    """

    def __init__(
        self, engine: Engine, service: str, instance: str, detail: Callable[[], dict[str, Any]]
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._engine = engine
        self._process = service, instance
        self._detail = detail
        self._stopping = threading.Event()

    def run(self) -> None:
        """Beat until `stop`; failures are logged, also those of `detail`."""
        while not self._stopping.is_set():
            self._try(lambda connection: record(connection, *self._process, self._detail()))
            self._stopping.wait(SECONDS)
        self._try(lambda connection: remove(connection, *self._process))

    def stop(self) -> None:
        """End, without a heartbeat left behind where the database answers."""
        self._stopping.set()
        if self.ident:
            self.join(SECONDS)

    def _try(self, write: Callable[[Connection], None]) -> None:
        try:
            with self._engine.begin() as connection:
                write(connection)
        except Exception as error:  # any error: a process without heartbeats counts as dead
            log.warning("heartbeat failed", reason=str(error))
