"""A transaction whose statements do not wait for each other's answers.

One after the other, the half dozen statements of a small batch wait for the server half a dozen
times; on a busy machine that is most of the batch's time. Here all are under way at once, and only
who looks at an answer waits for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Dialect, Engine, Select
from sqlalchemy.engine import Compiled
from sqlalchemy.exc import DBAPIError

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Stopped between two statements that it sends, a process would keep its locks: the server takes
# itself for busy until it is told that it is our turn. No batch takes nearly as long, and whoever
# takes its partitions over comes when its session has ended, which takes as long as this.
_LIMIT = "SET LOCAL transaction_timeout = '10s'"
# The execution option of an engine that says how its transactions begin.
ENTERS = "enters"


class Rows(Protocol):
    """What a statement gave, as SQLAlchemy tells it too."""

    def all(self) -> Any:
        """Every row, as a named tuple."""
        ...


class Statements(Protocol):
    """Takes statements; SQLAlchemy's connection does."""

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> Rows:
        """Send a statement with `%(name)s` for parameters."""
        ...

    def execute(self, statement: Select[Any], parameters: Any = None, /) -> Rows:
        """Send a query that was put together with SQLAlchemy."""
        ...


class _Answer:
    """A statement's answer, on its way."""

    def __init__(self, cursor: psycopg.Cursor[Any], arrive: Callable[[], None]) -> None:
        self._cursor = cursor
        self._arrive = arrive

    def all(self) -> list[Any]:
        """See `Rows`; waits for all answers that are on their way."""
        self._arrive()
        return self._cursor.fetchall()


class Pipeline:
    """See `Statements`."""

    def __init__(
        self, driver: psycopg.Connection, dialect: Dialect, sync: Callable[[], None]
    ) -> None:
        self.driver = driver
        self._dialect = dialect
        self._sync = sync
        self._under_way = False

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> _Answer:
        """Send a statement; wait for nothing."""
        cursor = self.driver.cursor(row_factory=namedtuple_row)
        cursor.execute(statement.encode(), parameters)
        self._under_way = True
        return _Answer(cursor, self._arrive)

    def _arrive(self) -> None:
        """Wait for what is under way.

        With a sync and not just a flush: only then does the server know that it is our turn, and
        ends a transaction whose process was stopped.
        """
        if self._under_way:
            self._under_way = False
            self._sync()

    def execute(self, statement: Select[Any], parameters: Any = None, /) -> _Answer:
        """Send a query, which should be the same object each time; wait for nothing."""
        compiled = _compiled(statement, self._dialect)
        return self.exec_driver_sql(str(compiled), compiled.construct_params(parameters))


@cache
def _compiled(statement: Select[Any], dialect: Dialect) -> Compiled:
    return statement.compile(dialect=dialect)


@contextmanager
def pipelined(engine: Engine, begin: str = "BEGIN") -> Iterator[Pipeline]:
    """Begin a transaction, as the engine's transactions begin, and commit it in the end.

    Args:
        engine: Of this project; see `infra.postgres.engine.create_engine`.
        begin: Such as `SNAPSHOT`.

    Raises:
        sqlalchemy.exc.DBAPIError: as SQLAlchemy would. Nothing was done, or the answer to the
            commit was lost.
    """
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        try:
            # So the driver sends no statement of its own, such as a commit that it takes for
            # needless since it has not heard of the beginning yet.
            with _transaction(_driver(connection), engine.dialect, begin) as pipeline:
                if enters := engine.get_execution_options().get(ENTERS):
                    pipeline.exec_driver_sql(enters)
                yield pipeline
        except psycopg.Error as error:
            raise _told(connection, error) from error


@contextmanager
def _transaction(driver: psycopg.Connection, dialect: Dialect, begin: str) -> Iterator[Pipeline]:
    """Begin and commit in the pipeline, so that neither is waited for on its own."""
    try:
        with driver.pipeline() as pipeline:
            for statement in (begin, _LIMIT):
                driver.execute(statement.encode(), prepare=False)
            yield Pipeline(driver, dialect, pipeline.sync)
            driver.execute("COMMIT", prepare=False)
    except BaseException:
        if not driver.closed:
            driver.rollback()
        raise


def _driver(connection: Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _told(connection: Connection, error: psycopg.Error) -> Exception:
    """The error as SQLAlchemy tells it; with a lost connection all in the pool go."""
    dialect: Any = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection, None)
    if lost:
        connection.invalidate(error)
        connection.engine.dispose()
    return DBAPIError.instance(
        None, None, error, psycopg.Error, connection_invalidated=lost, dialect=dialect
    )
