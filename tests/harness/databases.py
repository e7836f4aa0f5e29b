"""Databases that go with what made them."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from infra.postgres.engine import connect
from infra.settings import Settings


@contextmanager
def created(server: str, name: str, template: str = "template1") -> Iterator[str]:
    """`postgresql://…` of a new database, which is dropped in the end."""
    name = name.replace("-", "_")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}".encode())
        yield server.rpartition("/")[0] + f"/{name}"
        connection.execute(f"drop database {name} with (force)".encode())


def is_free(settings: Settings, lock: int) -> bool:
    """Whether nobody holds an advisory lock now."""
    with connect(settings, "a test") as connection:
        row = connection.execute("select pg_try_advisory_lock(%s)", [lock]).fetchone()
        return bool(row and row[0])
