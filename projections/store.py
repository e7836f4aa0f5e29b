"""The store: one transaction per batch, holding its rows, its checkpoint and its outbox keys.

The checkpoint is the fence. It moves by compare-and-set from the offset that the batch was read
at, so of two workers that hold the same records at most one applies them, and offset and rows
can never disagree.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Engine

from projections import outbox, writing
from projections.configuration import HANDLERS
from projections.registers import Write, fold
from schemas.events import Event

APPLIED = "applied"

_MOVE = """
update checkpoints set next_offset = %(upto)s
where topic = %(topic)s and partition = %(partition)s and next_offset = %(expected)s
"""
_STORED = """
select next_offset from checkpoints where topic = %(topic)s and partition = %(partition)s
"""


class MissedError(Exception):
    """The checkpoint is not where this batch begins; `stored` is where it is."""

    def __init__(self, stored: int) -> None:
        super().__init__(f"the checkpoint stands at {stored}")
        self.stored = stored


def apply(
    engine: Engine, topic: str, partition: int, expected: int, upto: int, events: Iterable[Event]
) -> None:
    """Apply the events of one partition from offset `expected` up to, not including, `upto`.

    Raises:
        MissedError: somebody else moved the checkpoint; nothing was applied.
        sqlalchemy.exc.DBAPIError: nothing was applied, or the answer to the commit was lost;
            then trying again finds out which, by the checkpoint.
    """
    writes = fold(events, HANDLERS)
    place = {"topic": topic, "partition": partition, "expected": expected, "upto": upto}
    with engine.begin() as connection:
        if connection.exec_driver_sql(_MOVE, place).rowcount != 1:
            raise MissedError(stored_offset(connection, topic, partition))
        apply_writes(connection, writes)
        writing.notify(connection, APPLIED, f"{topic}/{partition}/{upto}")


def stored_offset(connection: Connection, topic: str, partition: int) -> int:
    """The offset of the first record of a partition that was not applied yet."""
    place = {"topic": topic, "partition": partition}
    offset: int = connection.exec_driver_sql(_STORED, place).scalar_one()
    return offset


def apply_writes(connection: Connection, writes: Mapping[str, list[Write]]) -> None:
    """Write the rows of every table, then the tools' versions, then the keys of what changed.

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
    outbox.add(connection, changed)
