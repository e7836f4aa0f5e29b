"""Trial projections: as they would be after some events, in tables that only one transaction sees.

The transaction copies what editors' events change into temporary tables, whose names win over those
of the live generation, and folds the events with the same code as the workers. It locks no row of
the projections and leaves nothing behind.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from projections import tables
from projections.folds.handlers import HANDLERS
from projections.folds.registers import fold
from projections.write.store import apply_writes
from schemas.events import Event

_UNTOUCHED = {"ballots", "bookmarks", "checkpoints", "digests"}
"""Tables that no editor's event changes; they may be large."""


@contextmanager
def trial_projections(engine: Engine) -> Iterator[Connection]:
    """Open a transaction on a snapshot with tables of its own; its end forgets all changes.

    Args:
        engine: Follows the live generation, as `create_engine` makes it.
    """
    with engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
        generation = str(connection.scalar(text("select current_schema()")))
        for table in tables.metadata.sorted_tables:
            if table.name not in _UNTOUCHED:
                _copy(connection, generation, table.name)
        try:
            yield connection
        finally:
            connection.rollback()


def apply_events(connection: Connection, events: Sequence[Event]) -> None:
    """Fold events into the tables of `trial_projections`."""
    apply_writes(connection, fold(events, HANDLERS))


def _copy(connection: Connection, generation: str, table: str) -> None:
    source = f'"{generation}"."{table}"'
    connection.execute(
        text(f'create temporary table "{table}" (like {source} including all) on commit drop')
    )
    connection.execute(text(f'insert into pg_temp."{table}" select * from {source}'))  # noqa: S608
