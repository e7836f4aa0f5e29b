"""Generations: whole sets of projections beside one another, of which one is live.

A generation is a schema. It is filled from the log on its own, keeps following it, can be held
against the live one row by row, and becomes the live one in one transaction. What was live until
then follows the log from there, so that going back is the same step again.
"""

# ruff: noqa: S608 - every name in a statement comes from the list of generations or of tables

import re
from collections.abc import Iterator, Mapping

import msgspec
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from infra.errors import VerdictsError
from infra.postgres.engine import GENERATION_LOCK
from projections import tables
from projections.write import changed_keys
from projections.write.outbox import RecordKey
from schemas.topics import TopicPartition

# Tables that records are made of, and the kind of record that a row's first key belongs to.
_SHOWN = {
    "categories": ("category", "tools-of-category"),
    "tools": ("tool",),
    "first_listings": ("tool",),
    "retirements": ("tool",),
    "reviewers": ("reviewer", "tools-of-reviewer"),
    "revisions": ("tool",),
    "tallies": ("tool",),
    "digests": ("digest",),
}
# Tables with a record's version, and the kind of record.
_VERSIONED = {
    "tallies": "tool",
    "categories": "category",
    "reviewers": "reviewer",
    "digests": "digest",
}
LONGEST_LINE = 160
PATIENCE_SECONDS = 15
_COLUMNS = text("""
    select column_name, count(*) as number, min(ordinal_position) as place
    from information_schema.columns
    where table_name = :table and table_schema in (:one, :other)
    group by column_name order by place
""")
_NAME = re.compile(r"projections_(\d+)")


class UnknownGenerationError(VerdictsError):
    """There is no such generation; the message names those that exist."""


class BusyError(VerdictsError):
    """Batches are in flight that do not end; the message says what to do."""


class TableDiff(msgspec.Struct, frozen=True):
    """One table in two generations: rows and hash in each, and the first rows that differ.

    Rows are shown without their stamps and cut to a line; the hashes cover everything that both
    have columns for. `columns` are those that only one of them has.
    """

    table: str
    rows: tuple[int, int]
    hashes: tuple[str, str]
    only_in_first: list[str]
    only_in_second: list[str]
    columns: list[str] = []

    @property
    def equal(self) -> bool:
        """Whether both hold the same rows."""
        return (
            self.rows[0] == self.rows[1] and self.hashes[0] == self.hashes[1] and not self.columns
        )


def live(connection: Connection) -> str:
    """Name the live generation."""
    name: str = connection.execute(text("select live from verdicts.generation")).scalar_one()
    return name


def former(connection: Connection) -> str | None:
    """Name the generation that was live before, where it still exists."""
    name: str | None = connection.scalar(text("select former from verdicts.generation"))
    return name if name in names(connection) else None


def names(connection: Connection) -> list[str]:
    """Name all generations, oldest first."""
    found = connection.scalars(text("select name from verdicts.generations"))
    return sorted(found, key=lambda name: int(name.rpartition("_")[2]))


def create(connection: Connection) -> str:
    """Make an empty generation beside the others, and name it."""
    highest = max(int(name.rpartition("_")[2]) for name in names(connection))
    name = f"projections_{highest + 1}"
    tables.create_generation(connection, name)
    connection.execute(
        text("insert into verdicts.generations (name) values (:name)"), {"name": name}
    )
    return name


def stop_batches(connection: Connection) -> None:
    """Let every batch of any generation wait until this transaction ends.

    Raises:
        BusyError: those in flight have not ended in fifteen seconds.
    """
    connection.execute(text(f"set local lock_timeout = '{PATIENCE_SECONDS}s'"))
    try:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": GENERATION_LOCK})
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise BusyError(
                f"Batches in flight have not ended in {PATIENCE_SECONDS} s, or another promotion "
                "is under way. Try again; verdicts doctor says whether something is wrong."
            ) from None
        raise


def drop(connection: Connection, name: str) -> None:
    """Drop a generation with all its rows.

    Raises:
        UnknownGenerationError: there is no such generation, or it is the live one.
        BusyError: see `stop_batches`.
    """
    stop_batches(connection)
    require(connection, name)
    if name == live(connection):
        raise UnknownGenerationError(f"{name} is live; promote another one first.")
    connection.execute(text(f"drop schema if exists {name} cascade"))
    connection.execute(text("delete from verdicts.generations where name = :name"), {"name": name})
    # Its number may be given again, to one that was never live.
    forgotten = text("update verdicts.generation set former = null where former = :name")
    connection.execute(forgotten, {"name": name})


def require(connection: Connection, name: str) -> None:
    """Refuse a name that is not one of a generation.

    Raises:
        UnknownGenerationError: with those that exist.
    """
    known = names(connection)
    if name not in known or not _NAME.fullmatch(name):
        raise UnknownGenerationError(
            f"There is no generation {name!r}; there {'are' if len(known) > 1 else 'is'} "
            f"{', '.join(known)}."
        )


def positions(connection: Connection, name: str) -> Mapping[TopicPartition, int]:
    """How far a generation has read each partition."""
    rows = connection.execute(text(f"select topic, partition, next_offset from {name}.checkpoints"))
    return {(row.topic, row.partition): row.next_offset for row in rows}


def switch(connection: Connection, name: str) -> set[RecordKey]:
    """Make a generation the live one in this transaction, and announce what differs by it."""
    former = live(connection)
    changed = differing(connection, former, name)
    _rewind_checkpoints(connection, former, name)
    _copy_versions(connection, former, name)
    _bump_changed_versions(connection, name, changed)
    moved = text("update verdicts.generation set former = live, live = :name")
    connection.execute(moved, {"name": name})
    changed_keys.add(connection, changed)
    return changed


def _rewind_checkpoints(connection: Connection, former: str, name: str) -> None:
    """Let a generation that is ahead stand where the live one stands.

    What lies between is applied once more, which changes no row. But only now are its dead letters
    written, and those told who wait for its events.
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
    """Let what stays as it was keep the version that subscribers know it by."""
    for table in _VERSIONED:
        key = _first_key(table)
        connection.execute(
            text(f"""
                update {name}.{table} as new set version = old.version from {former}.{table} as old
                where new.{key} = old.{key} and new.version <> old.version
            """)
        )


def _bump_changed_versions(connection: Connection, name: str, changed: set[RecordKey]) -> None:
    """Make what differs newer than anything that subscribers have seen of it."""
    for table, kind in _VERSIONED.items():
        renewed = text(f"""
            update {name}.{table} set version = nextval('verdicts.version')
            where {_first_key(table)} = any(:keys)
        """)
        connection.execute(renewed, {"keys": [key.key for key in changed if key.kind == kind]})


def differing(connection: Connection, one: str, other: str) -> set[RecordKey]:
    """Name the records that two generations show differently."""
    keys: set[RecordKey] = set()
    for table, kinds in _SHOWN.items():
        key = _first_key(table)
        shared, own = _columns(connection, table, one, other)
        if own:  # so every record may look different by it
            differs = f"select {key} from {one}.{table} union select {key} from {other}.{table}"
        else:
            differs = f"""
                select {key} from ({_except(table, shared, one, other)}) as gone
                union select {key} from ({_except(table, shared, other, one)}) as new
            """
        for found in connection.scalars(text(differs)):
            keys |= {RecordKey(kind, found) for kind in kinds}
    return keys


def compare(connection: Connection, one: str, other: str, limit: int = 5) -> Iterator[TableDiff]:
    """Hold every table of two generations against one another."""
    for table in tables.metadata.tables:
        if table != "checkpoints":
            shared, own = _columns(connection, table, one, other)
            first = _hash(connection, table, shared, one)
            second = _hash(connection, table, shared, other)
            same = first == second
            yield TableDiff(
                table,
                (first[0], second[0]),
                (first[1], second[1]),
                [] if same else _some(connection, table, shared, one, other, limit),
                [] if same else _some(connection, table, shared, other, one, limit),
                own,
            )


def _columns(
    connection: Connection, table: str, one: str, other: str
) -> tuple[list[str], list[str]]:
    """The columns that a table has in both generations, and those that it has in one of them.

    A generation keeps the tables that it was made with, whatever later code adds. Versions are
    left out: they tell when a row was written and not what it says.
    """
    found = connection.execute(_COLUMNS, {"table": table, "one": one, "other": other})
    counts = {row.column_name: row.number for row in found if row.column_name != "version"}
    shared = [name for name, number in counts.items() if number == 2]
    return shared, [name for name in counts if name not in shared]


def _hash(
    connection: Connection, table: str, columns: list[str], generation: str
) -> tuple[int, str]:
    """Rows, and a sum of row hashes, which does not depend on their order."""
    row = connection.execute(
        text(
            f"select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text "
            f"from (select {', '.join(columns)} from {generation}.{table}) as t"
        )
    ).one()
    return row[0], row[1]


def _some(
    connection: Connection, table: str, columns: list[str], one: str, other: str, limit: int
) -> list[str]:
    shown = ", ".join(name for name in columns if name != "stamp")
    differing = _except(table, columns, one, other)
    rows = f"select {shown} from ({differing}) as t order by {_keys(table)}"
    found = connection.execute(text(f"select r::text from ({rows} limit {limit}) as r"))
    return [row[0][:LONGEST_LINE] for row in found]


def _except(table: str, columns: list[str], one: str, other: str) -> str:
    """A query for the rows of a table that one generation holds and the other does not."""
    named = ", ".join(columns)
    return f"select {named} from {one}.{table} except select {named} from {other}.{table}"


def _first_key(table: str) -> str:
    return tables.metadata.tables[table].primary_key.columns[0].name


def _keys(table: str) -> str:
    return ", ".join(column.name for column in tables.metadata.tables[table].primary_key)
