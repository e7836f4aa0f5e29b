"""Generations: complete sets of projections side by side, one of which is live.

A generation is a schema. It is filled from the log, then follows the log, can be compared with the
live one row by row, and becomes the live one in one transaction. The former live generation follows
the log from then on, so a rollback is the same step again.
"""

# ruff: noqa: S608 - every name in a statement comes from the list of generations or of tables

import re

import msgspec
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from infra.errors import VerdictsError
from infra.postgres.engine import GENERATION_LOCK
from projections import tables
from projections.generation_diff import find_differing_records, first_key_column
from projections.record_keys import RecordKey
from projections.write import changed_keys

# Tables with a record's version, and the kind of record.
_VERSIONED = {
    "tallies": "tool",
    "categories": "category",
    "reviewers": "reviewer",
    "digests": "digest",
}
LOCK_SECONDS = 15
_LIVE = text("select live from verdicts.generation")
_SCHEMAS = text("select nspname from pg_namespace where nspname like 'projections\\_%'")
_NAME = re.compile(r"projections_(\d+)")


class Generations(msgspec.Struct, frozen=True):
    """The live generation, all listed ones by age, and those whose schema exists."""

    live: str | None
    listed: tuple[str, ...]
    existing: tuple[str, ...]

    @property
    def readable(self) -> tuple[str, ...]:
        """Listed generations with tables."""
        return tuple(name for name in self.listed if name in self.existing)


class UnknownGenerationError(VerdictsError):
    """No generation has this name; the message lists the names."""


class BusyError(VerdictsError):
    """Batches in flight did not end in time; the message tells an operator what to do."""


def read_generations(connection: Connection) -> Generations:
    """Read which generations there are, also where the live one is not named."""
    live: str | None = connection.scalar(_LIVE)
    listed = tuple(list_names(connection))
    return Generations(live, listed, tuple(connection.scalars(_SCHEMAS)))


def find_live(connection: Connection) -> str:
    """Name the live generation."""
    name: str = connection.execute(_LIVE).scalar_one()
    return name


def find_former(connection: Connection) -> str | None:
    """Name the generation that was live before, if it still exists."""
    name: str | None = connection.scalar(text("select former from verdicts.generation"))
    return name if name in list_names(connection) else None


def is_newer(name: str, other: str) -> bool:
    """Return whether a generation was created after another one."""
    return _number(name) > _number(other)


def list_names(connection: Connection) -> list[str]:
    """Name all generations, oldest first."""
    names = connection.scalars(text("select name from verdicts.generations"))
    return sorted(names, key=_number)


def create_missing_tables(connection: Connection) -> None:
    """Create the tables of the live generation, and those that others lack, where there are any."""
    readable = read_generations(connection).readable
    for name in {find_live(connection), *readable}:
        tables.create_generation(connection, name)


def create(connection: Connection) -> str:
    """Create an empty generation beside the others, and name it."""
    name = f"projections_{max(map(_number, list_names(connection))) + 1}"
    tables.create_generation(connection, name)
    insert = text("insert into verdicts.generations (name) values (:name)")
    connection.execute(insert, {"name": name})
    return name


def stop_batches(connection: Connection, lock_seconds: int = LOCK_SECONDS) -> None:
    """Make the batches of every generation wait until this transaction ends.

    Raises:
        BusyError: batches in flight did not end within `lock_seconds`.
    """
    connection.execute(text(f"set local lock_timeout = '{lock_seconds}s'"))
    try:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": GENERATION_LOCK})
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise BusyError(
                f"Batches in flight have not ended in {lock_seconds} s, or another "
                "promotion is under way. Try again; verdicts doctor says whether something is "
                "wrong."
            ) from None
        raise


def drop(connection: Connection, name: str, lock_seconds: int = LOCK_SECONDS) -> None:
    """Drop a generation with all its rows.

    Raises:
        UnknownGenerationError: no generation has this name, or it is the live one.
        BusyError: batches in flight did not end within `lock_seconds`.
    """
    stop_batches(connection, lock_seconds)
    require(connection, name)
    if name == find_live(connection):
        raise UnknownGenerationError(f"{name} is live; promote another one first.")
    connection.execute(text(f"drop schema if exists {name} cascade"))
    connection.execute(text("delete from verdicts.generations where name = :name"), {"name": name})
    # A later generation may get its number without ever having been live.
    no_former = text("update verdicts.generation set former = null where former = :name")
    connection.execute(no_former, {"name": name})


def require(connection: Connection, name: str) -> None:
    """Require that a generation has this name.

    Raises:
        UnknownGenerationError: none has; the message lists the names.
    """
    names = list_names(connection)
    if name not in names or not _NAME.fullmatch(name):
        raise UnknownGenerationError(
            f"There is no generation {name!r}; there {'are' if len(names) > 1 else 'is'} "
            f"{', '.join(names)}."
        )


def make_live(connection: Connection, name: str) -> set[RecordKey]:
    """Make a generation the live one in this transaction, and publish the records that differ."""
    former = find_live(connection)
    changed = find_differing_records(connection, former, name)
    _rewind_checkpoints(connection, former, name)
    _copy_versions(connection, former, name)
    _bump_changed_versions(connection, name, changed)
    switch = text("update verdicts.generation set former = live, live = :name")
    connection.execute(switch, {"name": name})
    changed_keys.add(connection, changed)
    return changed


def _rewind_checkpoints(connection: Connection, former: str, name: str) -> None:
    """Move the checkpoints of a generation that is ahead back to those of the former one.

    The worker applies the records between once more, which changes no row, but writes their dead
    letters and sends their notifications for the first time.
    """
    connection.execute(
        text(f"""
            update {name}.checkpoints as new set next_offset = coalesce(old.next_offset, 0)
            from {name}.checkpoints as own
            left join {former}.checkpoints as old using (topic, partition)
            where new.topic = own.topic and new.partition = own.partition
                and coalesce(old.topic_id, own.topic_id) = own.topic_id
                and new.next_offset > coalesce(old.next_offset, 0)
        """)
    )


def _copy_versions(connection: Connection, former: str, name: str) -> None:
    """Give every record the version that subscribers know it by."""
    for table in _VERSIONED:
        key = first_key_column(table)
        connection.execute(
            text(f"""
                update {name}.{table} as new set version = old.version from {former}.{table} as old
                where new.{key} = old.{key} and new.version <> old.version
            """)
        )


def _bump_changed_versions(connection: Connection, name: str, changed: set[RecordKey]) -> None:
    """Give changed records versions greater than any that subscribers have seen."""
    for table, kind in _VERSIONED.items():
        bump = text(f"""
            update {name}.{table} set version = nextval('verdicts.version')
            where {first_key_column(table)} = any(:keys)
        """)
        connection.execute(bump, {"keys": [key.key for key in changed if key.kind == kind]})


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])
