"""Rebuilding: a new generation from the first offset on, and its way to being the live one."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple

import msgspec
from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InternalError

from infra.errors import VerdictsError
from infra.kafka.codec import Codec
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import OffsetRange, ages
from infra.postgres.engine import create_engine
from infra.settings import Settings
from projections import generations
from projections.generation_diff import TableDiff, compare_tables
from schemas.topics import EVENT_PARTITIONS, TopicPartition
from streams.rebuild.generation_filler import GenerationFiller
from streams.rebuild.parallel_fill import Progress, fill

# What levels two generations reads the last records itself while everybody waits, so there must be
# few, and a process that is stopped meanwhile must not keep the others waiting.
MOST_RECORDS_BEHIND = 50_000
LEVEL_SECONDS = 10
LEVEL_PAUSE = 0.2
LEVEL_ATTEMPTS = 10


class NotReadyError(VerdictsError):
    """A generation cannot become live yet; the message says what to do."""


class Position(msgspec.Struct, frozen=True):
    """How far a generation is in one partition.

    `lag` counts what it has not applied yet, `seconds` is the age of what it applies next: None
    where that could not be read.
    """

    generation: str
    live: bool
    topic: str
    partition: int
    offset: int
    end: int
    lag: int
    seconds: float | None


def positions(settings: Settings, database: Engine) -> list[Position]:
    """Say how far every generation is in every partition."""
    ends = LogOffsets(settings).ends(EVENT_PARTITIONS)
    with database.connect() as connection:
        live = generations.find_live(connection)
        names = generations.list_names(connection)
        offsets = {name: generations.read_offsets(connection, name) for name in names}
    found = []
    for name in names:
        spans = {
            it: OffsetRange(offsets[name].get(it, 0), ends[it]) for it in sorted(EVENT_PARTITIONS)
        }
        waiting = ages(settings, spans)
        for place, span in spans.items():
            lag, seconds = (span.length, waiting[place]) if place in waiting else (0, 0.0)
            found.append(Position(name, name == live, *place, *span, lag, _rounded(seconds)))
    return found


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


class FillResult(NamedTuple):
    """A generation that was filled, and how many records were passed over: they cannot be applied.

    What the live generation cannot apply either stands in the dead letters.
    """

    generation: str
    passed_over: int


def create(database: Engine) -> str:
    """Make an empty generation beside the live one, and give its name."""
    with database.begin() as connection:
        return generations.create(connection)


def rebuild(
    settings: Settings, database: Engine, codec: Codec, name: str, progress: Progress
) -> FillResult:
    """Fill a generation up to where the log ends now, from wherever it is.

    The live one keeps serving and receiving. Afterwards the workers keep the new one up with the
    log. `progress` gets the events applied and those to apply.

    Raises:
        NotReadyError: it is the live one.
        projections.generations.UnknownGenerationError: there is no such generation.
    """
    with database.connect() as connection:
        _require_beside(connection, name)
    return FillResult(name, fill(settings, codec, name, progress))


class GenerationDiff(NamedTuple):
    """Every table of a generation beside that of the live one, `live`.

    `ahead` counts the events that it has applied and the live one has not: where the live one
    stands still there is no moment at which both are level.
    """

    live: str
    ahead: int
    tables: list[TableDiff]


def compare(settings: Settings, database: Engine, codec: Codec, name: str) -> GenerationDiff:
    """Hold a generation against the live one, at a moment at which both are equally far.

    Workers wait while that moment is made, not while the rows are read.

    Raises:
        NotReadyError: it is live, or too far behind.
        projections.generations.BusyError: batches in flight do not end.
        projections.generations.UnknownGenerationError: there is no such generation.
    """
    _require_near(settings, database, name)
    snapshots = database.execution_options(isolation_level="REPEATABLE READ")
    attempts = LEVEL_ATTEMPTS
    while True:
        attempts -= 1
        with snapshots.connect() as snapshot:
            with _at_equal_offsets(settings, codec, name):
                live = generations.find_live(snapshot)  # this takes the snapshot
            ahead = _missing(snapshot, live, generations.read_offsets(snapshot, name))
            if not (ahead and attempts):
                return GenerationDiff(live, ahead, list(compare_tables(snapshot, live, name)))
        time.sleep(LEVEL_PAUSE)


def promote(settings: Settings, database: Engine, codec: Codec, name: str) -> int:
    """Make a generation live while no batch is in flight; give the number of records that differ.

    Workers wait meanwhile. Pages and changes follow only what differs.

    Raises:
        NotReadyError: it is live already, or too far behind.
        projections.generations.BusyError: batches in flight do not end.
        projections.generations.UnknownGenerationError: there is no such generation.
    """
    _require_near(settings, database, name)
    with _at_equal_offsets(settings, codec, name) as connection:
        return len(generations.make_live(connection, name))


def _require_near(settings: Settings, database: Engine, name: str) -> None:
    with database.connect() as connection:
        _require_beside(connection, name)
        behind = _missing(connection, name, _target(LogOffsets(settings), connection))
    if behind > MOST_RECORDS_BEHIND:
        raise NotReadyError(
            f"{name} is {behind:,} events behind; wait until the workers have brought it up, "
            f"or run: verdicts projections rebuild --resume {name}"
        )


def _require_beside(connection: Connection, name: str) -> None:
    generations.require(connection, name)
    if name == generations.find_live(connection):
        raise NotReadyError(f"{name} is live already; the workers keep it up with the log.")


def _missing(connection: Connection, name: str, target: Mapping[TopicPartition, int]) -> int:
    """How many events a generation has not applied of those before `target`."""
    at = generations.read_offsets(connection, name)
    return sum(max(0, offset - at.get(place, 0)) for place, offset in target.items())


@contextmanager
def _at_equal_offsets(settings: Settings, codec: Codec, name: str) -> Iterator[Connection]:
    """Let all batches wait while the context lasts, and the generation be as far as the live one.

    The transaction that is given keeps them waiting. When this process is stopped the server ends
    it, so that nothing has changed.
    """
    beside = create_engine(
        settings,
        name="verdicts level",
        generation=name,
        pool_size=2,
        idle_seconds=LEVEL_SECONDS,
    )
    with ExitStack() as stack:
        stack.callback(beside.dispose)
        follower = GenerationFiller(settings, beside, codec)
        stack.callback(follower.close)
        log = LogOffsets(settings)
        log.check()  # it finds its brokers before anybody waits for what they say
        stack.enter_context(_explain_idle_timeout())
        connection = stack.enter_context(beside.begin())
        generations.stop_batches(connection)
        target = _target(log, connection)
        follower.catch_up(target, partial(_require_time, time.monotonic() + LEVEL_SECONDS))
        yield connection


@contextmanager
def _explain_idle_timeout() -> Iterator[None]:
    """Say in a sentence that the server has ended a transaction in which nothing was done."""
    try:
        yield
    except InternalError as error:
        if not isinstance(error.orig, IdleInTransactionSessionTimeout):
            raise
        raise NotReadyError(
            f"This process stood still for over {LEVEL_SECONDS} s, or the broker did, so that the "
            "workers had to go on without it; nothing was changed. Try again."
        ) from None


def _require_time(deadline: float, left: int) -> None:
    if left and time.monotonic() > deadline:
        raise NotReadyError(
            f"The last {left:,} events could not be read in {LEVEL_SECONDS} s; nothing was "
            "changed. See what verdicts doctor says, and try again."
        )


def _target(log: LogOffsets, connection: Connection) -> Mapping[TopicPartition, int]:
    """How far a generation must be to take the live one's place.

    That is as far as the live one, unless the log ends before: then a topic was made anew, and the
    live one has nothing more to read.
    """
    ends = log.ends(EVENT_PARTITIONS)
    at = generations.read_offsets(connection, generations.find_live(connection))
    return {place: min(offset, ends[place]) for place, offset in at.items() if place in ends}
