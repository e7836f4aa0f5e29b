"""Fills a generation from the log with several fillers, each with partitions of its own.

While one waits for the database, another decodes and folds, as the worker's partitions do.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from functools import partial

from infra.kafka.codec import Codec
from infra.kafka.offsets import LogOffsets
from infra.postgres.engine import connect, create_engine
from infra.settings import Settings
from schemas.topics import EVENT_PARTITIONS, TopicPartition
from streams.rebuild.generation_filler import GenerationFiller
from streams.rebuild.generation_filler_threads import lock_of

PARALLELISM = 4
SHOW_SECONDS = 0.2
Progress = Callable[[int, int], None]


def fill(settings: Settings, codec: Codec, name: str, progress: Progress) -> int:
    """Bring a generation up to where the log ends now, from wherever it is.

    `progress` gets the events applied and those to apply, several times a second. Gives the number
    of records that were passed over, since they cannot be applied.
    """
    database = create_engine(
        settings, name=f"verdicts {name}", generation=name, writes=True, pool_size=PARALLELISM
    )
    with ExitStack() as stack:
        stack.callback(database.dispose)
        session = stack.enter_context(connect(settings, f"verdicts {name}"))
        # With this lock the workers' fillers wait. Where one of them has it already, both go on,
        # and the checkpoints let each batch be applied once.
        session.execute("select pg_try_advisory_lock(%s)", [lock_of(name)])
        ends = LogOffsets(settings).ends(EVENT_PARTITIONS)
        fillers = []
        for lane in range(PARALLELISM):
            filler = GenerationFiller(
                settings, database, codec, EVENT_PARTITIONS[lane::PARALLELISM]
            )
            stack.callback(filler.close)
            fillers.append(filler)
        _catch_up(fillers, ends, progress)
        return sum(filler.passed_over for filler in fillers)


def _catch_up(
    fillers: Sequence[GenerationFiller], ends: Mapping[TopicPartition, int], progress: Progress
) -> None:
    """Let all fillers read up to the ends; the first error stops every one."""
    stopping = threading.Event()
    wanted = [{partition: ends[partition] for partition in filler.positions} for filler in fillers]
    left = [_behind(filler.positions, goal) for filler, goal in zip(fillers, wanted, strict=True)]
    total = sum(left)

    def note_left(lane: int, count: int) -> None:
        left[lane] = count
        if stopping.is_set():
            raise InterruptedError("another partition could not go on")

    with ThreadPoolExecutor(len(fillers), "fill") as pool:
        tasks = [
            pool.submit(filler.catch_up, goal, partial(note_left, lane))
            for lane, (filler, goal) in enumerate(zip(fillers, wanted, strict=True))
        ]
        try:
            while not _all_done(tasks):
                progress(total - sum(left), total)
        finally:
            stopping.set()
    progress(total, total)


def _all_done(tasks: Sequence[Future[None]]) -> bool:
    """Wait a moment; raise the error of a task."""
    done, rest = wait(tasks, SHOW_SECONDS, FIRST_EXCEPTION)
    for task in done:
        task.result()
    return not rest


def _behind(positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> int:
    return sum(max(0, end - positions[partition]) for partition, end in ends.items())
