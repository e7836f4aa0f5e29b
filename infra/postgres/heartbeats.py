"""Signs of life: what each process says of itself about once a second."""

from typing import Any

import msgspec
from sqlalchemy import Connection

SECONDS = 1.0

_BEAT = """
insert into verdicts.heartbeats (service, instance, beat, detail)
values (%(service)s, %(instance)s, clock_timestamp(), %(detail)s::jsonb)
on conflict (service, instance) do update set beat = excluded.beat, detail = excluded.detail
"""
_FORGET_OLD = "delete from verdicts.heartbeats where beat < clock_timestamp() - interval '1 day'"
_LEAVE = "delete from verdicts.heartbeats where service = %(service)s and instance = %(instance)s"


def record(connection: Connection, service: str, instance: str, detail: dict[str, Any]) -> None:
    """Say that this process lives, and what it does."""
    said = {
        "service": service,
        "instance": instance,
        "detail": msgspec.json.encode(detail).decode(),
    }
    connection.exec_driver_sql(_BEAT, said)
    connection.exec_driver_sql(_FORGET_OLD)


def remove(connection: Connection, service: str, instance: str) -> None:
    """Say that this process ends of its own accord."""
    connection.exec_driver_sql(_LEAVE, {"service": service, "instance": instance})
