"""Upserts: how the writes of each table become rows, and which records they change."""

from collections.abc import Callable, Mapping
from functools import cache, partial

import msgspec

from infra.postgres.statement_pipeline import Rows, Statements
from projections.folds.registers import RegisterWrite
from projections.record_keys import RecordKey
from projections.tables import metadata
from projections.write.tallies import upsert_ballots, upsert_bookmarks

Writer = Callable[[Statements, list[RegisterWrite]], Callable[[], set[RecordKey]]]
"""Sends the rows of a table; the result waits for the answer, the keys of changed records."""

# The greater stamp wins, whichever comes first.
_UPSERT = """
insert into {table} ({columns}{version_column})
select {columns}{version_value}
from jsonb_populate_recordset(null::{table}, %(rows)s::jsonb)
on conflict ({key}) do update set {assignments}{version_update}
where excluded.stamp > {table}.stamp
returning {key}
"""


def _upsert_register(table: str, connection: Statements, writes: list[RegisterWrite]) -> Rows:
    """Upsert the rows of a table; the answer holds the keys of changed rows."""
    key = [column.name for column in metadata.tables[table].primary_key]
    rows = [
        {**dict(zip(key, write.key, strict=True)), **write.values, "stamp": _bytea(write.stamp)}
        for write in writes
    ]
    encoded = msgspec.json.encode(rows).decode()
    return connection.exec_driver_sql(_statement(table), {"rows": encoded})


@cache
def _statement(table: str) -> str:
    columns = [column.name for column in metadata.tables[table].columns]
    key = [column.name for column in metadata.tables[table].primary_key]
    versioned = "version" in columns
    plain = [column for column in columns if column != "version"]
    return _UPSERT.format(
        table=table,
        columns=", ".join(plain),
        key=", ".join(key),
        assignments=", ".join(f"{name} = excluded.{name}" for name in plain if name not in key),
        version_column=", version" if versioned else "",
        version_value=", nextval('verdicts.version')" if versioned else "",
        version_update=", version = nextval('verdicts.version')" if versioned else "",
    )


def _bytea(stamp: bytes) -> str:
    return "\\x" + stamp.hex()


def _upsert_shared(
    table: str, kind: str, connection: Statements, writes: list[RegisterWrite]
) -> Callable[[], set[RecordKey]]:
    """Upsert what is known of categories or reviewers, which the records of tools show too."""
    rows = _upsert_register(table, connection, writes)
    kinds = (kind, f"tools-of-{kind}")
    return lambda: {RecordKey(kind, key) for (key,) in rows.all() for kind in kinds}


def _upsert_digests(
    connection: Statements, writes: list[RegisterWrite]
) -> Callable[[], set[RecordKey]]:
    rows = _upsert_register("digests", connection, writes)
    return lambda: {RecordKey("digest", week) for (week,) in rows.all()}


def _upsert_of_tools(
    table: str, connection: Statements, writes: list[RegisterWrite]
) -> Callable[[], set[RecordKey]]:
    """Upsert a table whose key begins with the tool whose record shows it."""
    rows = _upsert_register(table, connection, writes)
    return lambda: {RecordKey("tool", key[0]) for key in rows.all()}


WRITERS: Mapping[str, Writer] = {
    "categories": partial(_upsert_shared, "categories", "category"),
    "removals": partial(_upsert_shared, "removals", "category"),
    "tools": partial(_upsert_of_tools, "tools"),
    "first_listings": partial(_upsert_of_tools, "first_listings"),
    "retirements": partial(_upsert_of_tools, "retirements"),
    "merges": partial(_upsert_of_tools, "merges"),
    "reviewers": partial(_upsert_shared, "reviewers", "reviewer"),
    "departures": partial(_upsert_shared, "departures", "reviewer"),
    "revisions": partial(_upsert_of_tools, "revisions"),
    "ballots": upsert_ballots,
    "bookmarks": upsert_bookmarks,
    "digests": _upsert_digests,
}
"""By table, in the order in which every transaction writes them."""
