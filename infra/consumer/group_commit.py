"""Group commit: batches of several partitions that are ready at the same time share a transaction.

At a thousand votes a second a dozen partitions have a few votes each, all the time. Most of a
transaction's cost does not depend on its size, and a thread for each would cost more than the work.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from infra.consumer.protocols import Outcome
from infra.runtime.blocking_pool import BlockingPool

# A batch of this many records is worth a transaction of its own, on another processor.
LARGE_BATCH = 500
# A few threads keep the processors busy with large batches; more would only compete for them.
LARGE_COMMITS = 6


class Sizeable(Protocol):
    """A batch that knows its size."""

    @property
    def size(self) -> int:
        """Number of records."""
        ...


B = TypeVar("B", bound=Sizeable)
Commit = Callable[[Sequence[B]], list[Outcome]]
"""Commits batches of different partitions, all in one transaction where that succeeds.

Gives one outcome for each batch, or raises: then any batch may be committed or not.
"""


class _Pending(NamedTuple, Generic[B]):
    """One partition's batch that waits for a transaction, and the future its caller awaits."""

    batch: B
    outcome: "asyncio.Future[Outcome]"

    def fail(self, error: BaseException) -> None:
        """Raise an error in the caller, unless that was cancelled."""
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def settle(self, outcome: Outcome) -> None:
        """Give the caller the outcome, unless that was cancelled."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class GroupCommitter(Generic[B]):
    """Commits what became ready during one transaction in the next one.

    Args:
        commit: Commits a group; blocks, and runs in a thread.
    """

    def __init__(self, commit: Commit[B]) -> None:
        self._commit = commit
        self._queue: list[_Pending[B]] = []
        self._task: asyncio.Task[None] | None = None
        self._grouped = BlockingPool(1, "group commit", timeout=None)
        self._large = BlockingPool(LARGE_COMMITS, "large commit", timeout=None)

    async def submit(self, batch: B) -> Outcome:
        """Commit a batch; a cancelled caller does not keep it from being committed.

        Raises:
            Exception: what the commit raised, such as that the database is away.
        """
        if batch.size >= LARGE_BATCH:
            (outcome,) = await self._large.run(self._commit, [batch])
            return outcome
        pending = _Pending(batch, asyncio.get_running_loop().create_future())
        self._queue.append(pending)
        if self._task is None:
            self._task = asyncio.create_task(self._commit_queue())
        return await pending.outcome

    async def _commit_queue(self) -> None:
        """Commit group after group until the queue is empty; leave no caller waiting."""
        group: list[_Pending[B]] = []
        try:
            while self._queue:
                group, self._queue = self._queue, []
                await self._commit_group(group)
        except BaseException as error:  # the loop ends the task at the end of the process
            for pending in (*group, *self._queue):
                pending.fail(error)
            self._queue = []
            raise
        finally:
            self._task = None

    async def _commit_group(self, group: Sequence[_Pending[B]]) -> None:
        try:
            outcomes = await self._grouped.run(self._commit, [pending.batch for pending in group])
        except Exception as error:
            for pending in group:
                pending.fail(error)
        else:
            for pending, outcome in zip(group, outcomes, strict=True):
                pending.settle(outcome)
