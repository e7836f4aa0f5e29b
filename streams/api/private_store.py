"""Runs reads and writes of private rows off the event loop, each in a transaction."""

from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from infra.runtime.blocking_pool import ANSWER_SECONDS, BlockingPool

WRITERS = 4
"""Transactions at once, each with a thread and a connection."""

T = TypeVar("T")
P = ParamSpec("P")


class PrivateStore(Protocol):
    """Runs functions of `projections.private`, as `await private.run(find_subscriber, id)`."""

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The function's result once its transaction is committed; an exception rolls it back.

        Raises:
            SQLAlchemyError: The database is away.
        """
        ...


class DatabasePrivateStore:
    """Runs them on PostgreSQL, in threads of its own.

    Args:
        engine: The database.
        timeout: Seconds without an answer after which the database counts as away.
    """

    def __init__(self, engine: Engine, timeout: float = ANSWER_SECONDS) -> None:
        self._engine = engine
        self._pool = BlockingPool(WRITERS, "private store", timeout)

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The function's result; see `PrivateStore`."""

        def transact() -> T:
            with self._engine.begin() as connection:
                return work(connection, *args, **kwargs)

        return await self._pool.run(transact)

    def close(self) -> None:
        """Stop the threads once their transactions have ended."""
        self._pool.close()


class FakePrivateStore:
    """Answers from functions without a database.

    Args:
        answers: The function that answers in place of each function of `projections.private`.
    """

    def __init__(self, answers: Mapping[Callable[..., Any], Callable[..., Any]] | None = None):
        self.answers = dict(answers or {})

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer; it may be a coroutine function."""
        result = self.answers[work](*args, **kwargs)
        return await result if isawaitable(result) else result  # type: ignore[no-any-return]
