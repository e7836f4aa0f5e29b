"""One partition's way from fetched records to the store, whatever the store answers.

The checkpoint in the database decides. Faust seeks again at every rebalance and can miss the
commit in flight, another worker may have taken over, the answer to a commit may be lost: from
here all of that looks the same. The batch does not begin where the checkpoint stands, and the
checkpoint says what to do about it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog

from infra.consumer.protocols import CheckpointMismatch, Record

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
# So many records are worth a transaction of their own, which another processor may work on.
LARGE_BATCH = 500
# What is asked waits for a server most of the time, and all partitions ask at the same time.
_THREADS = ThreadPoolExecutor(16, thread_name_prefix="partition")
T = TypeVar("T")
BatchSteps = Generator[T | None, None, None]
"""Work after work to be done, each by when the next is asked for; None where what comes until then
may take long, so that nobody else should wait for it. What refuses a work is thrown in."""


class BatchSink(Protocol):
    """Where a partition's batches go. Its methods and steps block, and are called in a thread."""

    def stored(self) -> int:
        """Look up the offset of the first record that was not applied."""
        ...

    def apply(self, records: Sequence[Record], expected: int, upto: int) -> BatchSteps[Any]:
        """Give what applies records and moves the checkpoint from `expected` to `upto`.

        Raises:
            MissedError: the checkpoint does not stand at `expected`; nothing was applied.
        """
        ...


class StepRunner(Protocol):
    """Does steps; see `infra.consumer.group_commit.GroupCommitter`."""

    async def do(self, steps: BatchSteps[Any], *, apart: bool = False) -> None:
        """Return once all are done, or raise what they raise; see there."""
        ...


class PartitionConsumer:
    """Applies what is fetched, once and in order.

    Args:
        name: For the log.
        sink: Says how batches are applied.
        doing: Does that.
        seek: Makes the consumer fetch again from an offset.
        holds: Tells whether the log holds any record from one offset up to another. Where a
            producer used transactions it does not: their markers take offsets too.
        gaps: Whether offsets may be missing, as on a compacted topic.
        first_pause: Seconds before the second attempt; each further pause is twice as long.
    """

    def __init__(
        self,
        name: str,
        sink: BatchSink,
        doing: StepRunner,
        seek: Callable[[int], Awaitable[None]],
        holds: Callable[[int, int], bool] = lambda _from, _upto: True,
        *,
        gaps: bool = False,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._log = log.bind(partition=name)
        self._sink = sink
        self._doing = doing
        self._seek = seek
        self._holds = holds
        self._gaps = gaps
        self._first_pause = first_pause
        self._next: int | None = None

    async def consume(self, records: Sequence[Record]) -> None:
        """Apply records; what does not follow the checkpoint is dropped and fetched again.

        Returns only when every record was applied, now or before, or will be fetched again.
        A database that is away is waited for, and meanwhile nothing else is taken.
        """
        while records := await self._fitting(records):
            assert self._next is not None
            run = records if self._gaps else _without_gap(records)
            upto = run[-1].offset + 1
            try:
                await self._persist(partial(self._apply, run, self._next, upto))
            except CheckpointMismatch as missed:
                self._log.info("checkpoint is elsewhere", stored=missed.stored, ours=self._next)
                self._next = missed.stored
            else:
                self._next = upto
                records = records[len(run) :]
                if not records:
                    return

    async def _fitting(self, records: Sequence[Record]) -> Sequence[Record]:
        """Trim what was applied already; give up what lies beyond a gap, after seeking back."""
        if self._next is None:
            self._next = await self._persist(partial(_in_thread, self._sink.stored))
        if records[0].offset < self._next:
            records = [record for record in records if record.offset >= self._next]
        if records and not self._gaps and await self._is_missing(self._next, records[0].offset):
            self._log.info("fetching again", stored=self._next, got=records[0].offset)
            await self._persist(partial(self._seek, self._next))
            self._next = None
            return ()
        return records

    async def _is_missing(self, begin: int, end: int) -> bool:
        """Whether records from `begin` up to `end` are on the log, but did not come."""
        asked = partial(self._holds, begin, end)
        return begin < end and await self._persist(partial(_in_thread, asked))

    async def _apply(self, run: Sequence[Record], expected: int, upto: int) -> None:
        steps = self._sink.apply(run, expected, upto)
        await self._doing.do(steps, apart=len(run) >= LARGE_BATCH)

    async def _persist(self, action: Callable[[], Awaitable[T]]) -> T:
        """Do a thing until it succeeds; a missed checkpoint is an answer."""
        pause = self._first_pause
        while True:
            try:
                return await action()
            except CheckpointMismatch:
                raise
            except Exception as error:
                self._log.error("trying again", reason=repr(error), pause=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)


async def _in_thread(action: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, action)


def _without_gap(records: Sequence[Record]) -> Sequence[Record]:
    """The records up to the first offset that is left out."""
    first = records[0].offset
    if records[-1].offset - first + 1 == len(records):
        return records
    for index, record in enumerate(records):
        if record.offset != first + index:
            return records[:index]
    return records
