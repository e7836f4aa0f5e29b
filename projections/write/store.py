"""The store: one transaction per batch, holding its rows, its checkpoint and the keys it changes.

The checkpoint is the fence. It moves by compare-and-set from the offset that the batch was read
at, so of two workers that hold the same records at most one applies them, and offset and rows
can never disagree.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError

from infra.consumer.protocols import Applied, CheckpointMismatch, Mismatch, Outcome, Refused
from infra.postgres.engine import notify
from infra.postgres.statement_pipeline import Statements, pipelined
from projections.aliases import resolution
from projections.folds.handlers import HANDLERS
from projections.folds.registers import RegisterWrite, fold
from projections.record_keys import RecordKey
from projections.write import changed_keys, checkpoints, tallies
from projections.write.changed_keys import ChangedKeys
from projections.write.checkpoints import CheckpointMove
from projections.write.upserts import WRITERS
from schemas.channels import Channel
from schemas.events import Event
from schemas.topics import TopicPartition


class Batch(NamedTuple):
    """The events of one partition from offset `expected` up to, not including, `upto`."""

    partition: TopicPartition
    expected: int
    upto: int
    events: Sequence[Event]

    @property
    def size(self) -> int:
        """Number of events."""
        return len(self.events)


def commit(engine: Engine, batches: Sequence[Batch], *, quiet: bool = False) -> list[Outcome]:
    """Apply batches of different partitions in one transaction; give one outcome for each.

    Where one of them is refused or does not begin at its checkpoint, each gets a transaction of its
    own, so that the others are applied.

    Raises:
        sqlalchemy.exc.DBAPIError: the database is away; some of the batches may be applied.
    """
    try:
        apply(engine, batches, quiet=quiet)
    except CheckpointMismatch as mismatch:
        if len(batches) == 1:
            return [Mismatch(mismatch.stored)]
    except (DataError, IntegrityError) as error:
        if len(batches) == 1:
            return [Refused(error)]
    else:
        return [Applied()] * len(batches)
    return [commit(engine, [batch], quiet=quiet)[0] for batch in batches]


def apply(engine: Engine, batches: Sequence[Batch], *, quiet: bool = False) -> None:
    """Apply batches of different partitions, all or none.

    A `quiet` call adds no keys and notifies nobody: it fills a generation that is not live.

    Raises:
        CheckpointMismatch: a checkpoint is not where its batch begins; nothing was applied.
        sqlalchemy.exc.DBAPIError: nothing was applied, or the answer to the commit was lost;
            the checkpoint tells the next attempt which.
    """
    writes = fold((event for batch in batches for event in batch.events), HANDLERS)
    moves = [
        CheckpointMove(batch.partition, batch.expected, batch.upto, _latest(batch))
        for batch in batches
    ]
    with pipelined(engine) as connection:
        require_moved = checkpoints.move(connection, moves)
        changed = apply_writes(connection, writes)
        require_moved()
        if not quiet:
            changed_keys.add(connection, *changed)
            notify(connection, Channel.APPLIED, map(_reached, batches))


def _latest(batch: Batch) -> int | None:
    return max((event.time for event in batch.events), default=None)


def _reached(batch: Batch) -> str:
    topic, partition = batch.partition
    return f"{topic}/{partition}/{batch.upto}"


def apply_writes(connection: Statements, writes: Mapping[str, list[RegisterWrite]]) -> ChangedKeys:
    """Write the rows of every table, then the tools' versions; return the keys of changed records.

    All transactions write tables in one order and rows in the order of their keys, so two
    transactions never wait for each other in a circle.
    """
    names_may_change = resolution.lock(connection, writes)
    tallies.lock_tallies(connection, writes)
    # The pipeline sends all statements before the first answer is read.
    written = {
        table: write_rows(connection, writes[table])
        for table, write_rows in WRITERS.items()
        if writes.get(table)
    }
    changed = {table: keys() for table, keys in written.items()}
    renamed = resolution.update(connection) if names_may_change else set()
    counted = {key for table in tallies.TALLIED for key in changed.pop(table, ())}
    bumped = _bump_versions(connection, set().union(*changed.values()), renamed)
    return ChangedKeys(renamed | bumped, counted)


def _bump_versions(
    connection: Statements, changed: set[RecordKey], renamed: set[RecordKey]
) -> set[RecordKey]:
    """Bump the versions of changed tools; return the keys of the records that show the changes."""
    slugs = {key.key for key in changed if key.kind == "tool"}
    tools = resolution.query_tools(connection, slugs)() if slugs else {}
    shown = {*tools.values(), *(key.key for key in renamed if key.kind == "tool")}
    tallies.bump_versions(connection, slugs, shown)
    return {
        key._replace(key=tools.get(key.key, key.key)) if key.kind == "tool" else key
        for key in changed
    }
