"""Applies one partition's records, once and in order.

The checkpoint in the database decides. Faust seeks again at every rebalance and can miss the
commit in flight, another worker may have taken over, the answer to a commit may be lost: all of
that shows as a batch that does not begin at the checkpoint, and the checkpoint says where to go on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog

from infra.consumer.protocols import Mismatch, Record, Settled

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
T = TypeVar("T")
ApplyBatch = Callable[[Sequence[Any], int, int], Awaitable[Settled]]
"""Applies records and moves the checkpoint from one offset to another, or tells where it is.

Raises when neither is known: then some of the records may be applied, and the call is repeated.
"""


class PartitionSource(Protocol):
    """The log and the checkpoint of one partition."""

    async def checkpoint(self) -> int:
        """The offset of the first record that is not applied."""
        ...

    async def has_records(self, begin: int, end: int) -> bool:
        """Whether the log holds any record from offset `begin` up to, not including, `end`.

        It may not: the markers of transactions take offsets too.
        """
        ...

    async def seek(self, offset: int) -> None:
        """Have the consumer fetch again from an offset."""
        ...


class PartitionConsumer:
    """Takes the fetched records of one partition.

    Args:
        name: Names the partition in log messages.
        apply: Applies a batch.
        source: The partition itself.
        first_pause: Seconds before the second attempt; each further pause is twice as long.
    """

    def __init__(
        self,
        name: str,
        apply: ApplyBatch,
        source: PartitionSource,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._log = log.bind(partition=name)
        self._apply = apply
        self._source = source
        self._first_pause = first_pause
        self._next: int | None = None

    async def consume(self, records: Sequence[Record]) -> None:
        """Apply records; drop those that do not follow the checkpoint, to be fetched again.

        Returns only when every record was applied, now or before, or will be fetched again.
        A database that is away is waited for, and meanwhile no other record is taken.
        """
        while records := await self._following(records):
            assert self._next is not None
            batch = _until_gap(records)
            upto = batch[-1].offset + 1
            outcome = await self._retry(partial(self._apply, batch, self._next, upto))
            if isinstance(outcome, Mismatch):
                self._log.info("checkpoint is elsewhere", stored=outcome.stored, ours=self._next)
                self._next = outcome.stored
            else:
                self._next = upto
                records = records[len(batch) :]
                if not records:
                    return

    async def _following(self, records: Sequence[Record]) -> Sequence[Record]:
        """Drop what was applied already; behind a gap seek back, and drop everything."""
        if self._next is None:
            self._next = await self._retry(self._source.checkpoint)
        if records[0].offset < self._next:
            records = [record for record in records if record.offset >= self._next]
        if records and await self._is_missing(self._next, records[0].offset):
            self._log.info("fetching again", stored=self._next, got=records[0].offset)
            await self._retry(partial(self._source.seek, self._next))
            self._next = None
            return ()
        return records

    async def _is_missing(self, begin: int, end: int) -> bool:
        """Whether records from `begin` up to `end` are on the log, but did not come."""
        return begin < end and await self._retry(partial(self._source.has_records, begin, end))

    async def _retry(self, action: Callable[[], Awaitable[T]]) -> T:
        """Repeat an action until it succeeds."""
        pause = self._first_pause
        while True:
            try:
                return await action()
            except Exception as error:
                self._log.error("trying again", reason=repr(error), pause=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)


def _until_gap(records: Sequence[Record]) -> Sequence[Record]:
    """The records before the first missing offset."""
    first = records[0].offset
    if records[-1].offset - first + 1 == len(records):
        return records
    for index, record in enumerate(records):
        if record.offset != first + index:
            return records[:index]
    return records
