"""Rebuilds projections: fills a new generation from offset 0, compares it, makes it live."""

import time
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from infra.kafka.codec import Codec
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import OffsetRange, Ranges, scan
from infra.settings import Settings
from projections import generations
from projections.generation_diff import TableDiff, compare_tables
from projections.read.checkpoints import Offsets, read_offsets
from streams.rebuild.equal_offsets import (
    NotReadyError,
    at_equal_offsets,
    target_offsets,
)
from streams.rebuild.parallel_fill import Progress, fill

# All workers wait while the last records are read, so there must be few.
MOST_RECORDS_BEHIND = 50_000
COMPARE_ATTEMPTS = 10
COMPARE_PAUSE_SECONDS = 0.2


class FillResult(NamedTuple):
    """The name of a filled generation, and the number of records that cannot be applied.

    Records that the live generation cannot apply either are dead letters.
    """

    generation: str
    passed_over: int


def create(database: Engine) -> str:
    """Create an empty generation beside the live one, and give its name."""
    with database.begin() as connection:
        return generations.create(connection)


def rebuild(
    settings: Settings, database: Engine, codec: Codec, name: str, progress: Progress
) -> FillResult:
    """Fill a generation up to the present end of the log, from its own offsets on.

    The live one stays in use. Afterwards the workers keep the new one up with the log.
    `progress` gets the events applied and those to apply.

    Raises:
        NotReadyError: it is the live one.
        projections.generations.UnknownGenerationError: there is no such generation.
    """
    with database.connect() as connection:
        _require_beside(connection, name)
    return FillResult(name, fill(settings, codec, name, progress))


class GenerationDiff(NamedTuple):
    """Differences of a generation's tables to those of the live one, `live`.

    `ahead` counts the events that it has applied and the live one has not: while the live one does
    not move, the two are never at equal offsets.
    """

    live: str
    ahead: int
    tables: list[TableDiff]


def compare(
    settings: Settings, database: Engine, codec: Codec, name: str, attempts: int = COMPARE_ATTEMPTS
) -> GenerationDiff:
    """Compare a generation with the live one, at equal offsets.

    Workers wait until the offsets are equal, not while the rows are read.

    Raises:
        NotReadyError: it is live, or too far behind.
        projections.generations.BusyError: batches in flight do not end.
        projections.generations.UnknownGenerationError: there is no such generation.
    """
    _require_near(settings, database, name)
    snapshots = database.execution_options(isolation_level="REPEATABLE READ")
    while True:
        attempts -= 1
        with snapshots.connect() as snapshot:
            with at_equal_offsets(settings, LogOffsets(settings), codec, name):
                live = generations.find_live(snapshot)  # this takes the snapshot
            ranges = _ranges(snapshot, live, read_offsets(snapshot, name))
            ahead = sum(1 for _ in scan(settings, ranges))
            if not (ahead and attempts):
                return GenerationDiff(live, ahead, list(compare_tables(snapshot, live, name)))
        time.sleep(COMPARE_PAUSE_SECONDS)


def promote(
    settings: Settings,
    database: Engine,
    codec: Codec,
    name: str,
    lock_seconds: int = generations.LOCK_SECONDS,
) -> int:
    """Make a generation live while no batch is in flight; give the number of records that differ.

    Batches in flight get `lock_seconds` to end; workers wait meanwhile. Pages and changes follow
    for the records that differ.

    Raises:
        NotReadyError: it is live already, or too far behind.
        projections.generations.BusyError: batches in flight do not end.
        projections.generations.UnknownGenerationError: there is no such generation.
    """
    _require_near(settings, database, name)
    log = LogOffsets(settings)
    with at_equal_offsets(settings, log, codec, name, lock_seconds=lock_seconds) as connection:
        return len(generations.make_live(connection, name))


def _require_near(settings: Settings, database: Engine, name: str) -> None:
    with database.connect() as connection:
        _require_beside(connection, name)
        behind = _missing(connection, name, target_offsets(LogOffsets(settings), connection))
    if behind > MOST_RECORDS_BEHIND:
        raise NotReadyError(
            f"{name} is {behind:,} events behind; wait until the workers have brought it up, "
            f"or run: verdicts projections rebuild --resume {name}"
        )


def _require_beside(connection: Connection, name: str) -> None:
    generations.require(connection, name)
    if name == generations.find_live(connection):
        raise NotReadyError(f"{name} is live already; the workers keep it up with the log.")


def _missing(connection: Connection, name: str, target: Offsets) -> int:
    """Number of offsets before `target` that a generation has not passed."""
    return sum(offsets.length for offsets in _ranges(connection, name, target).values())


def _ranges(connection: Connection, name: str, target: Offsets) -> Ranges:
    offsets = read_offsets(connection, name)
    return {each: OffsetRange(offsets.get(each, 0), end) for each, end in target.items()}
