"""Group commit: what several partitions want applied at the same time shares one transaction.

At a thousand votes a second a dozen partitions have a few votes each, all the time. Most of what a
transaction costs it costs whatever is in it, so they have one for all of them, and one thread does
it: a thread for each would cost more than the work.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import DataError, IntegrityError

from infra.consumer.partition_consumer import BatchSteps
from infra.consumer.protocols import CheckpointMismatch

T = TypeVar("T")
Run = Callable[[Sequence[T]], None]
"""Does all of it in one transaction, or nothing when it raises."""

# What one member of a group can be refused for without any fault of the others.
_OF_ONE = (CheckpointMismatch, DataError, IntegrityError)
# A few threads keep the processors busy with large batches; more would only stand in their way.
_APART = ThreadPoolExecutor(6, thread_name_prefix="apart")


class _Pending(Generic[T]):
    """Somebody's steps, how far they are, and who waits for their end."""

    def __init__(self, steps: BatchSteps[T]) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.steps = steps
        self.work: T | None = None
        self.refused: Exception | None = None
        self.error: BaseException | None = None

    def proceeds(self) -> bool:
        """Go on to the next work; False when there is none."""
        error, self.refused = self.refused, None
        try:
            self.work = self.steps.throw(error) if error else next(self.steps)
        except StopIteration:
            return False
        except BaseException as failure:  # whatever it is, who waits must not take it for done
            self.error = failure
            return False
        return True

    def end(self, error: BaseException | None) -> None:
        """Tell who waits, if nobody cancelled that."""
        if self.ended.done():
            return
        if error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)


class GroupCommitter(Generic[T]):
    """Does work of several partitions in groups: what comes while one runs is the next one.

    Args:
        run: Does a group's work.
    """

    def __init__(self, run: Run[T]) -> None:
        self._run = run
        self._waiting: list[_Pending[T]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._leads = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="together")

    async def do(self, steps: BatchSteps[T], *, apart: bool = False) -> None:
        """Return once all steps are done, `apart` from others where that is asked for.

        Raises:
            Exception: what the steps raised.
        """
        if apart:
            await self._apart(steps)
            return
        mine = _Pending(steps)
        self._waiting.append(mine)
        if not self._leads:
            self._leads = True
            self._start(self._lead())
        await mine.ended

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lead(self) -> None:
        """Do group after group until nobody waits."""
        group: list[_Pending[T]] = []
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                loop = asyncio.get_running_loop()
                slow = await loop.run_in_executor(self._thread, self._through, group)
                for member in group:
                    if member in slow:
                        self._start(self._follow(member))
                    else:
                        member.end(member.error)
        except BaseException as error:  # such as at the end of the process: nobody waits for ever
            for member in group:
                member.end(error)
            raise
        finally:
            self._leads = False

    async def _follow(self, member: _Pending[T]) -> None:
        try:
            await self._apart(member.steps)
        except Exception as error:
            member.end(error)
        else:
            member.end(None)

    async def _apart(self, steps: BatchSteps[T]) -> None:
        await asyncio.get_running_loop().run_in_executor(_APART, run_alone, steps, self._run)

    def _through(self, group: Sequence[_Pending[T]]) -> list[_Pending[T]]:
        """In the thread: go through all steps; give those who should go on by themselves."""
        slow: list[_Pending[T]] = []
        while group := [member for member in group if member.proceeds()]:
            slow += [member for member in group if member.work is None]
            group = [member for member in group if member.work is not None]
            if group:
                self._attempt(group)
        return slow

    def _attempt(self, group: Sequence[_Pending[T]]) -> None:
        try:
            self._run([member.work for member in group if member.work is not None])
        except _OF_ONE as error:
            if len(group) == 1:
                group[0].refused = error
                return
            for member in group:
                self._attempt([member])
        except Exception as error:
            for member in group:
                member.refused = error


def run_alone(steps: BatchSteps[T], run: Run[T]) -> None:
    """Do steps one after the other, with nobody else; raise what they raise."""
    refused: Exception | None = None
    with suppress(StopIteration):
        while True:
            work = steps.throw(refused) if refused else next(steps)
            refused = None
            if work is not None:
                try:
                    run([work])
                except Exception as error:
                    refused = error
