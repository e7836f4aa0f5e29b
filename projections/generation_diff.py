"""Compare two generations: row by row for people, record by record for promotion."""

# ruff: noqa: S608 - every name in a statement comes from the list of generations or of tables

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, text

from projections import tables
from projections.record_keys import RecordKey

# Tables that records are made of, and the kinds of records that show a row, named by its first key.
_SHOWN = {
    "categories": ("category", "tools-of-category"),
    "removals": ("category", "tools-of-category"),
    "category_aliases": ("category", "tools-of-category"),
    "tools": ("tool",),
    "first_listings": ("tool",),
    "retirements": ("tool",),
    "merges": ("tool",),
    "aliases": ("tool",),
    "group_tallies": ("tool",),
    "reviewers": ("reviewer", "tools-of-reviewer"),
    "departures": ("reviewer", "tools-of-reviewer"),
    "revisions": ("tool",),
    "tallies": ("tool",),
    "digests": ("digest",),
}
LONGEST_LINE = 160
_COLUMNS = text("""
    select column_name, count(*) as number, min(ordinal_position) as position
    from information_schema.columns
    where table_name = :table and table_schema in (:first, :second)
    group by column_name order by position
""")


class TableDiff(msgspec.Struct, frozen=True):
    """One table in two generations.

    Attributes:
        table: Its name.
        rows: Numbers of rows.
        hashes: Hashes of all rows, over the columns that both have.
        only_in_first: The first rows that the second lacks, without stamps, cut to a line.
        only_in_second: The first rows that the first lacks.
        columns: Columns that only one of them has.
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


def find_differing_records(connection: Connection, first: str, second: str) -> set[RecordKey]:
    """Name the records that two generations show differently."""
    keys: set[RecordKey] = set()
    for table, kinds in _SHOWN.items():
        key = first_key_column(table)
        shared, unshared = _read_columns(connection, table, first, second)
        if unshared:  # every record may differ
            rows = f"select {key} from {first}.{table} union select {key} from {second}.{table}"
        else:
            rows = f"""
                select {key} from ({_except(table, shared, first, second)}) as gone
                union select {key} from ({_except(table, shared, second, first)}) as new
            """
        for value in connection.scalars(text(rows)):
            keys |= {RecordKey(kind, value) for kind in kinds}
    return keys


def compare_tables(
    connection: Connection, first: str, second: str, limit: int = 5
) -> Iterator[TableDiff]:
    """Compare every table of two generations, and show up to `limit` rows that differ."""
    for table in tables.metadata.tables:
        if table != "checkpoints":
            yield _compare_table(connection, table, first, second, limit)


def _compare_table(
    connection: Connection, table: str, first: str, second: str, limit: int
) -> TableDiff:
    shared, unshared = _read_columns(connection, table, first, second)
    first_rows, first_hash = _count_and_hash(connection, table, shared, first)
    second_rows, second_hash = _count_and_hash(connection, table, shared, second)
    if (first_rows, first_hash) == (second_rows, second_hash):
        limit = 0
    return TableDiff(
        table,
        (first_rows, second_rows),
        (first_hash, second_hash),
        _sample_missing(connection, table, shared, first, second, limit),
        _sample_missing(connection, table, shared, second, first, limit),
        unshared,
    )


def _read_columns(
    connection: Connection, table: str, first: str, second: str
) -> tuple[list[str], list[str]]:
    """Read the columns that a table has in both generations, and those that it has in only one.

    A generation keeps the tables that it was created with, whatever later code adds. Versions are
    left out: they tell when a row was written, not its content.
    """
    rows = connection.execute(_COLUMNS, {"table": table, "first": first, "second": second})
    counts = {row.column_name: row.number for row in rows if row.column_name != "version"}
    shared = [name for name, number in counts.items() if number == 2]
    return shared, [name for name in counts if name not in shared]


def _count_and_hash(
    connection: Connection, table: str, columns: list[str], generation: str
) -> tuple[int, str]:
    """Count the rows, and sum their hashes, so that their order does not matter."""
    row = connection.execute(
        text(
            f"select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text "
            f"from (select {', '.join(columns)} from {generation}.{table}) as t"
        )
    ).one()
    return row[0], row[1]


def _sample_missing(
    connection: Connection, table: str, columns: list[str], first: str, second: str, limit: int
) -> list[str]:
    """Show rows of `first` that `second` lacks."""
    if not limit:
        return []
    shown = ", ".join(name for name in columns if name != "stamp")
    keys = ", ".join(column.name for column in tables.metadata.tables[table].primary_key)
    missing = f"select {shown} from ({_except(table, columns, first, second)}) as t order by {keys}"
    rows = connection.execute(text(f"select r::text from ({missing} limit {limit}) as r"))
    return [row[0][:LONGEST_LINE] for row in rows]


def _except(table: str, columns: list[str], first: str, second: str) -> str:
    """Write a query for the rows of a table that `first` holds and `second` lacks."""
    names = ", ".join(columns)
    return f"select {names} from {first}.{table} except select {names} from {second}.{table}"


def first_key_column(table: str) -> str:
    """Name the first column of a table's primary key."""
    return tables.metadata.tables[table].primary_key.columns[0].name
