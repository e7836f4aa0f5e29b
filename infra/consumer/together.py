"""Group commit: what several partitions want applied at the same time shares one transaction.

At a thousand votes a second a dozen partitions have a few votes each, all the time. Most of what a
transaction costs it costs whatever is in it, so they have one for all of them.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy.exc import DataError, IntegrityError

from infra.consumer.partition import MissedError

T = TypeVar("T")

# What one member of a group can be refused for without any fault of the others.
_OF_ONE = (MissedError, DataError, IntegrityError)


class _Ticket(Generic[T]):
    """Somebody's work, and what came of it."""

    def __init__(self, work: T) -> None:
        self.work = work
        self.done = False
        self.error: BaseException | None = None


class Together(Generic[T]):
    """Does work of several threads in groups: what comes while one group runs is the next one.

    Args:
        run: Does a group's work in one transaction: all of it, or nothing when it raises.
    """

    def __init__(self, run: Callable[[Sequence[T]], None]) -> None:
        self._run = run
        self._changed = threading.Condition()
        self._waiting: list[_Ticket[T]] = []
        self._running = False

    def do(self, work: T) -> None:
        """Return once this is done, by this thread or by another one; raise what `run` raises."""
        mine = _Ticket(work)
        with self._changed:
            self._waiting.append(mine)
            while self._running and not mine.done:
                self._changed.wait()
            if not mine.done:
                group, self._waiting = self._waiting, []
                self._running = True
        if not mine.done:
            self._lead(group)
        if mine.error:
            raise mine.error

    def _lead(self, group: list[_Ticket[T]]) -> None:
        try:
            self._attempt(group)
        finally:
            with self._changed:
                for ticket in group:
                    ticket.done = True
                self._running = False
                self._changed.notify_all()

    def _attempt(self, group: list[_Ticket[T]]) -> None:
        try:
            self._run([ticket.work for ticket in group])
        except _OF_ONE as error:
            if len(group) == 1:
                group[0].error = error
                return
            for ticket in group:
                self._attempt([ticket])
        except BaseException as error:  # whatever it is, whoever waits must not take it for done
            for ticket in group:
                ticket.error = error
