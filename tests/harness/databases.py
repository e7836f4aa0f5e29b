"""Databases that go with what made them."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


@contextmanager
def created(server: str, name: str, template: str = "template1") -> Iterator[str]:
    """`postgresql://…` of a new database, which is dropped in the end."""
    name = name.replace("-", "_")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}".encode())
        yield server.rpartition("/")[0] + f"/{name}"
        connection.execute(f"drop database {name} with (force)".encode())
