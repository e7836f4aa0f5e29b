"""The store: one transaction per batch, holding its rows, its checkpoint and its outbox keys.

The checkpoint is the fence. It moves by compare-and-set from the offset that the batch was read
at, so of two workers that hold the same records at most one applies them, and offset and rows
can never disagree.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Engine

from infra.consumer.app import Place
from projections import checkpoints, outbox, writing
from projections.configuration import HANDLERS
from projections.registers import Write, fold
from schemas.events import Event

APPLIED = "applied"


def apply(
    engine: Engine,
    place: Place,
    expected: int,
    upto: int,
    events: Iterable[Event],
    *,
    quiet: bool = False,
) -> None:
    """Apply the events of one partition from offset `expected` up to, not including, `upto`.

    A `quiet` batch tells nobody: what it fills is not the live generation.

    Raises:
        MissedError: somebody else moved the checkpoint; nothing was applied.
        sqlalchemy.exc.DBAPIError: nothing was applied, or the answer to the commit was lost;
            then trying again finds out which, by the checkpoint.
    """
    applied = list(events)
    writes = fold(applied, HANDLERS)
    latest = max((event.time for event in applied), default=None)
    topic, partition = place
    with engine.begin() as connection:
        checkpoints.move(connection, place, expected, upto, checkpoints.PROJECTIONS, latest=latest)
        changed = apply_writes(connection, writes)
        if not quiet:
            outbox.add(connection, changed)
            writing.notify(connection, APPLIED, f"{topic}/{partition}/{upto}")


def apply_writes(connection: Connection, writes: Mapping[str, list[Write]]) -> set[outbox.Key]:
    """Write the rows of every table, then the tools' versions; give the keys of what changed.

    Tables come in one order for all transactions and rows in the order of their keys, so two
    transactions never wait for each other in a circle.
    """
    changed: set[outbox.Key] = set()
    untallied: set[str] = set()
    for table in writing.ORDER:
        if rows := writes.get(table):
            keys = writing.WRITERS[table](connection, rows)
            changed |= keys
            if table not in writing.TALLIED:
                untallied |= {key.key for key in keys if key.kind == "tool"}
    writing.touch(connection, untallied)
    return changed
