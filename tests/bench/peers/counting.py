"""What the peers with SQL share: the same fold and the same statements as our own store."""

from collections.abc import Iterable

from sqlalchemy import Engine

from projections.folds.handlers import HANDLERS
from projections.folds.registers import fold
from projections.write.store import apply_writes
from tests.bench.peers.reading import decode


def commit(database: Engine, values: Iterable[bytes]) -> None:
    """Fold a batch and commit it, with the statements of our own store."""
    writes = fold(map(decode, values), HANDLERS)
    with database.begin() as connection:
        apply_writes(connection, writes)
