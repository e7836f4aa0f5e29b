"""One partition's way from fetched records to the store, whatever the store answers.

The checkpoint in the database decides. Faust seeks again at every rebalance and can miss the
commit in flight, another worker may have taken over, the answer to a commit may be lost: from
here all of that looks the same. The batch does not begin where the checkpoint stands, and the
checkpoint says what to do about it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

import structlog

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
# So many records are worth a transaction of their own, which another processor may work on.
LARGE_BATCH = 500
# A few threads keep the processors busy with large batches; more would only stand in their way.
_FEW = ThreadPoolExecutor(6, thread_name_prefix="large batch")
# Small ones wait for one another most of the time (see `infra.consumer.together`), the more the
# better.
_MANY = ThreadPoolExecutor(16, thread_name_prefix="small batch")
T = TypeVar("T")


class MissedError(Exception):
    """The checkpoint is not where a batch begins; `stored` is where it is."""

    def __init__(self, stored: int) -> None:
        super().__init__(f"the checkpoint stands at {stored}")
        self.stored = stored


class Record(Protocol):
    """What is needed of a record here."""

    @property
    def offset(self) -> int:
        """Its place: counts up by one within the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """When it was written, in milliseconds since 1970."""
        ...

    @property
    def key(self) -> bytes | None:
        """What the producer partitioned it by."""
        ...


class Sink(Protocol):
    """Where a partition's batches go. Both methods block, and are called in a thread."""

    def stored(self) -> int:
        """Look up the offset of the first record that was not applied."""
        ...

    def apply(self, records: Sequence[Record], expected: int, upto: int) -> None:
        """Apply records in one transaction that moves the checkpoint from `expected` to `upto`.

        Raises:
            MissedError: the checkpoint does not stand at `expected`; nothing was applied.
        """
        ...


class Partition:
    """Applies what is fetched, once and in order.

    Args:
        name: For the log.
        sink: Applies batches.
        seek: Makes the consumer fetch again from an offset.
        holds: Tells whether the log holds any record from one offset up to another. Where a
            producer used transactions it does not: their markers take offsets too.
        gaps: Whether offsets may be missing, as on a compacted topic.
        first_pause: Seconds before the second attempt; each further pause is twice as long.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        seek: Callable[[int], Awaitable[None]],
        holds: Callable[[int, int], bool] = lambda _from, _upto: True,
        *,
        gaps: bool = False,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._log = log.bind(partition=name)
        self._sink = sink
        self._seek = seek
        self._holds = holds
        self._gaps = gaps
        self._first_pause = first_pause
        self._next: int | None = None

    async def take(self, records: Sequence[Record]) -> None:
        """Apply records; what does not follow the checkpoint is dropped and fetched again.

        Returns only when every record was applied, now or before, or will be fetched again.
        A database that is away is waited for, and meanwhile nothing else is taken.
        """
        while records := await self._fitting(records):
            assert self._next is not None
            run = records if self._gaps else _without_gap(records)
            upto = run[-1].offset + 1
            try:
                threads = _MANY if len(run) < LARGE_BATCH else _FEW
                await self._persist(partial(self._sink.apply, run, self._next, upto), threads)
            except MissedError as missed:
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
            self._next = await self._persist(self._sink.stored)
        if records[0].offset < self._next:
            records = [record for record in records if record.offset >= self._next]
        if records and not self._gaps and await self._is_missing(self._next, records[0].offset):
            self._log.info("fetching again", stored=self._next, got=records[0].offset)
            await self._seek(self._next)
            self._next = None
            return ()
        return records

    async def _is_missing(self, begin: int, end: int) -> bool:
        """Whether records from `begin` up to `end` are on the log, but did not come."""
        return begin < end and await self._persist(partial(self._holds, begin, end))

    async def _persist(self, action: Callable[[], T], threads: ThreadPoolExecutor = _MANY) -> T:
        """Do a blocking thing in a thread until it succeeds; a missed checkpoint is an answer."""
        pause = self._first_pause
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(threads, action)
            except MissedError:
                raise
            except Exception as error:
                self._log.error("trying again", reason=repr(error), pause=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)


def _without_gap(records: Sequence[Record]) -> Sequence[Record]:
    """The records up to the first offset that is left out."""
    first = records[0].offset
    if records[-1].offset - first + 1 == len(records):
        return records
    for index, record in enumerate(records):
        if record.offset != first + index:
            return records[:index]
    return records
