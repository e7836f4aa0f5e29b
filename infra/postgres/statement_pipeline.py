"""A transaction that sends its statements without waiting for each result.

A small batch has about six statements. Waiting for the server after each takes most of the batch's
time on a busy machine. Here all are sent at once, and only reading a result waits.
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
# A process that is stopped between two statements would keep its locks: without a sync the server
# counts the session as active, so idle_in_transaction_session_timeout does not apply. No batch
# takes nearly 10 s, and other workers get the partitions only after a group session of 10 s.
_SET_TIMEOUT = "SET LOCAL transaction_timeout = '10s'"
# The execution option of an engine with the first statement of its transactions.
BEGIN_STATEMENT = "begin_statement"


class Rows(Protocol):
    """Result of a statement; SQLAlchemy's results have the same method."""

    def all(self) -> Any:
        """Return all rows as named tuples."""
        ...


class Statements(Protocol):
    """Executes statements: a `Pipeline`, or a connection of SQLAlchemy."""

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> Rows:
        """Send a statement whose parameters are written `%(name)s`."""
        ...

    def execute(self, statement: Select[Any], parameters: Any = None, /) -> Rows:
        """Send a query that was built with SQLAlchemy."""
        ...


class PendingRows:
    """The rows of a statement whose result may not have arrived yet."""

    def __init__(self, cursor: psycopg.Cursor[Any], await_results: Callable[[], None]) -> None:
        self._cursor = cursor
        self._await_results = await_results

    def all(self) -> list[Any]:
        """Wait for all pending results of the pipeline, and return the rows of this one."""
        self._await_results()
        return self._cursor.fetchall()


class Pipeline:
    """`Statements` of one transaction, sent without waiting for results."""

    def __init__(
        self, driver: psycopg.Connection, dialect: Dialect, sync: Callable[[], None]
    ) -> None:
        self.driver = driver
        self._dialect = dialect
        self._sync = sync
        self._pending = False

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> PendingRows:
        """Send a statement without waiting for its result."""
        cursor = self.driver.cursor(row_factory=namedtuple_row)
        cursor.execute(statement.encode(), parameters)
        self._pending = True
        return PendingRows(cursor, self._await_results)

    def _await_results(self) -> None:
        """Wait for all pending results.

        This takes a sync, not a flush: only after a sync does the server count the session as idle
        in its transaction, and end the transaction of a process that was stopped.
        """
        if self._pending:
            self._pending = False
            self._sync()

    def execute(self, statement: Select[Any], parameters: Any = None, /) -> PendingRows:
        """Send a query without waiting; the compiled form is cached by the query object."""
        compiled = _compiled(statement, self._dialect)
        return self.exec_driver_sql(str(compiled), compiled.construct_params(parameters))


@cache
def _compiled(statement: Select[Any], dialect: Dialect) -> Compiled:
    return statement.compile(dialect=dialect)


@contextmanager
def pipelined(engine: Engine, begin: str = "BEGIN") -> Iterator[Pipeline]:
    """Run the block in a pipelined transaction, and commit at its end.

    Args:
        engine: Made by `infra.postgres.engine.create_engine`; its begin statement runs first.
        begin: The statement that begins the transaction, such as `SNAPSHOT`.

    Raises:
        sqlalchemy.exc.DBAPIError: The transaction failed and changed nothing, or the result of the
            commit was lost and the outcome is unknown.
    """
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        try:
            # Autocommit keeps the driver from sending its own statements. Inside the pipeline it
            # would also omit the commit, because it has not received the result of BEGIN.
            with _transaction(_driver(connection), engine.dialect, begin) as pipeline:
                if statement := engine.get_execution_options().get(BEGIN_STATEMENT):
                    pipeline.exec_driver_sql(statement)
                yield pipeline
        except psycopg.Error as error:
            raise _as_sqlalchemy_error(connection, error) from error


@contextmanager
def _transaction(driver: psycopg.Connection, dialect: Dialect, begin: str) -> Iterator[Pipeline]:
    """Begin and commit inside the pipeline, so that neither costs a round trip of its own."""
    try:
        with driver.pipeline() as pipeline:
            for statement in (begin, _SET_TIMEOUT):
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


def _as_sqlalchemy_error(connection: Connection, error: psycopg.Error) -> Exception:
    """Wrap the error as SQLAlchemy does; a lost connection discards the whole pool."""
    dialect: Any = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection, None)
    if lost:
        connection.invalidate(error)
        connection.engine.dispose()
    return DBAPIError.instance(
        None, None, error, psycopg.Error, connection_invalidated=lost, dialect=dialect
    )
