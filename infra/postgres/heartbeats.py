"""Heartbeats: each process records about once a second that it runs, and what it does."""

from typing import Any

import msgspec
from sqlalchemy import Connection

SECONDS = 1.0

_RECORD = """
insert into verdicts.heartbeats (service, instance, beat, detail)
values (%(service)s, %(instance)s, clock_timestamp(), %(detail)s::jsonb)
on conflict (service, instance) do update set beat = excluded.beat, detail = excluded.detail
"""
_DELETE_OLD = "delete from verdicts.heartbeats where beat < clock_timestamp() - interval '1 day'"
_REMOVE = "delete from verdicts.heartbeats where service = %(service)s and instance = %(instance)s"


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
