"""Brings a generation to the live one's offsets, and keeps both there for a moment."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import Connection
from sqlalchemy.exc import InternalError

from infra.errors import VerdictsError
from infra.kafka.codec import Codec
from infra.kafka.offsets import LogOffsets
from infra.postgres.engine import create_engine
from infra.settings import Settings
from projections import generations
from projections.read.checkpoints import Offsets, read_offsets
from schemas.topics import EVENT_PARTITIONS
from streams.rebuild.generation_filler import GenerationFiller

# This process reads the last records while all workers wait for it, so it has to be quick, and must
# not keep them waiting when it is stopped.
BLOCKED_SECONDS = 10


class NotReadyError(VerdictsError):
    """A generation cannot become live yet; the message says what to do."""


@contextmanager
def at_equal_offsets(
    settings: Settings,
    log: LogOffsets,
    codec: Codec,
    name: str,
    seconds: int = BLOCKED_SECONDS,
    lock_seconds: int = generations.LOCK_SECONDS,
) -> Iterator[Connection]:
    """Block all batches during the context, with the generation at the live one's offsets.

    The transaction that is given blocks them. When this process is stopped the server ends the
    transaction after `seconds`, and nothing has changed. Batches in flight get `lock_seconds` to
    end.

    Raises:
        NotReadyError: the generation does not get there in time.
        projections.generations.BusyError: batches in flight do not end.
    """
    beside = create_engine(
        settings,
        name="verdicts equal offsets",
        generation=name,
        pool_size=2,
        idle_seconds=seconds,
    )
    with ExitStack() as stack:
        stack.callback(beside.dispose)
        filler = GenerationFiller(settings, beside, codec)
        stack.callback(filler.close)
        log.check()  # finds the brokers before the batches have to wait
        stack.enter_context(_explain_idle_timeout(seconds))
        connection = stack.enter_context(beside.begin())
        generations.stop_batches(connection, lock_seconds)
        target = target_offsets(log, connection)
        filler.catch_up(target, partial(_require_time, time.monotonic() + seconds, seconds))
        yield connection


@contextmanager
def _explain_idle_timeout(seconds: int) -> Iterator[None]:
    """Turn the end of an idle transaction into a sentence."""
    try:
        yield
    except InternalError as error:
        if not isinstance(error.orig, IdleInTransactionSessionTimeout):
            raise
        raise NotReadyError(
            f"This process stood still for over {seconds} s, or the broker did, so that the "
            "workers had to go on without it; nothing was changed. Try again."
        ) from None


def _require_time(deadline: float, seconds: int, left: int) -> None:
    if left and time.monotonic() > deadline:
        raise NotReadyError(
            f"The last {left:,} events could not be read in {seconds} s; nothing was "
            "changed. See what verdicts doctor says, and try again."
        )


def target_offsets(log: LogOffsets, connection: Connection) -> Offsets:
    """The offsets at which a generation can replace the live one, by partition.

    These are the live one's, except where the log ends before: then a topic was made anew, and the
    live one has nothing more to read.
    """
    ends = log.ends(EVENT_PARTITIONS)
    live = read_offsets(connection, generations.find_live(connection))
    return {each: min(offset, ends[each]) for each, offset in live.items() if each in ends}
