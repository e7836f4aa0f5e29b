"""Connections to PostgreSQL: one kind of engine for all services.

There are two kinds of schemas with two lifetimes. `verdicts` is permanent (`infra.migrations`).
Projections live in a schema per generation (`projections_1`, …) that can be dropped and rebuilt.
The single row of `verdicts.generation` names the live one; every transaction reads it first.
"""

import threading
from collections.abc import Iterable
from functools import partial
from typing import Any

import psycopg
import sqlalchemy
from psycopg import Notify
from sqlalchemy import URL, Connection, Engine, event, make_url, text

from infra.postgres.statement_pipeline import BEGIN_STATEMENT, Statements
from infra.settings import Settings

SCHEMA = "verdicts"
IDLE_IN_TRANSACTION_SECONDS = 5
# Less than IDLE_IN_TRANSACTION_SECONDS. Otherwise a stopped process that waits for several locks
# would get the next lock whenever it loses one, and delay its successor by 5 s for each.
LOCK_SECONDS = 4
# A vanished host, or a network that drops all packets, reports no error: the kernel would resend
# for 15 minutes and listen forever. Keepalives and a timeout detect the loss.
LOST_SECONDS = 10
_DETECT_LOSS: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": LOST_SECONDS * 1000,
}

# Every batch on the live generation holds it shared; a promotion holds it exclusively.
GENERATION_LOCK = 0x67656E72  # "genr"; migration 0004 has the same number
_SEE_GENERATION = (
    "select set_config('search_path', quote_ident(live) || ', verdicts', true) "
    "from verdicts.generation"
)
_NOTIFY = "select pg_notify(%(channel)s, message) from unnest(%(messages)s::text[]) as message"
_ENTER_GENERATION = "select verdicts.enter()"


def create_engine(
    target: Settings | str,
    *,
    name: str = "verdicts",
    pool_size: int = 5,
    max_overflow: int = 10,
    idle_seconds: int = IDLE_IN_TRANSACTION_SECONDS,
    writes: bool = False,
    generation: str = "",
    retried: bool = False,
) -> Engine:
    """Create a pooled engine whose search path is the live generation, then `verdicts`.

    Args:
        target: Settings with a `database_url`, or a `postgresql://` URL.
        name: The `application_name` of each connection.
        pool_size: Connections kept open.
        max_overflow: Further connections at peaks.
        idle_seconds: The server ends a connection that idles this long in a transaction (0:
            never), so that a stopped process cannot keep its locks from its successor.
        writes: Whether transactions write projections. No promotion happens during such a
            transaction, and it waits at most `LOCK_SECONDS` for a lock.
        generation: Use this generation instead of the live one. With `writes`, transactions fail
            once it is live: a rebuild must not write the live generation.
        retried: Whether the caller retries failed transactions. If not, the pool tests a
            connection before each use.
    """
    path = f"{generation},{SCHEMA}" if generation else SCHEMA
    options = f"-c search_path={path}"
    if writes and not generation:
        options += f" -c lock_timeout={LOCK_SECONDS}s"
    engine = create_plain_engine(
        target, name, idle_seconds, pool_size, max_overflow, options, ping=not retried
    )
    if generation:
        statement = f"select verdicts.follow('{generation}')" if writes else ""
    else:
        statement = _ENTER_GENERATION if writes else _SEE_GENERATION
    if statement:
        event.listen(engine, "begin", partial(_enter_generation, statement))
    return engine.execution_options(**{BEGIN_STATEMENT: statement})


def create_plain_engine(
    target: Settings | str,
    name: str,
    idle_seconds: int,
    pool_size: int,
    max_overflow: int,
    options: str = f"-c search_path={SCHEMA}",
    *,
    ping: bool = True,
) -> Engine:
    """Create a pooled engine with session options, and no generation in its search path."""
    return sqlalchemy.create_engine(
        driver_url(target),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=ping,
        pool_use_lifo=True,
        connect_args={
            "application_name": name,
            "connect_timeout": 5,
            **_DETECT_LOSS,
            "options": (
                f"{options} -c idle_in_transaction_session_timeout={idle_seconds}s -c timezone=UTC"
                " -c plan_cache_mode=force_generic_plan"
            ),
        },
    )


def connect(target: Settings | str, name: str) -> psycopg.Connection:
    """Open a single autocommit connection, for advisory locks and notifications."""
    url = target if isinstance(target, str) else target.database_url
    return psycopg.connect(
        url, autocommit=True, application_name=name, connect_timeout=5, **_DETECT_LOSS
    )


def wait_for_lock(connection: psycopg.Connection, key: int, stopping: threading.Event) -> bool:
    """Wait for an advisory lock of this connection; False when `stopping` is set first."""
    while not stopping.is_set():
        row = connection.execute("select pg_try_advisory_lock(%s)", [key]).fetchone()
        if row and row[0]:
            return True
        stopping.wait(0.5)
    return False


def server_time(connection: Connection) -> float:
    """Return the server's time in seconds since 1970."""
    query = text("select extract(epoch from clock_timestamp())::float8")
    return float(connection.execute(query).scalar_one())


def error_text(error: Exception) -> str:
    """Return the server's message in one line, without the SQL that SQLAlchemy adds."""
    message = str(getattr(error, "orig", None) or error).strip()
    return message.splitlines()[0].strip() if message else type(error).__name__


def notify(connection: Statements, channel: str, messages: Iterable[str]) -> None:
    """Send notifications to listeners when this transaction commits."""
    connection.exec_driver_sql(_NOTIFY, {"channel": channel, "messages": list(messages)})


def wait_notifications(connection: psycopg.Connection, seconds: float = 0.5) -> list[Notify]:
    """Wait at most 0.5 s for notifications, so that the caller can notice a stop request."""
    return list(connection.notifies(timeout=min(seconds, 0.5), stop_after=1))


def driver_url(target: Settings | str) -> URL:
    """Return the URL for SQLAlchemy with psycopg 3 from a plain `postgresql://` URL."""
    url = target if isinstance(target, str) else target.database_url
    return make_url(url.replace("postgres://", "postgresql://", 1)).set(
        drivername="postgresql+psycopg"
    )


def _enter_generation(statement: str, connection: Connection) -> None:
    """Run the first statement of a transaction, which sets the search path."""
    driver = connection.connection
    try:
        driver.cursor().execute(statement)
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedFunction,
        psycopg.errors.InvalidSchemaName,
    ):
        driver.rollback()  # The database is not migrated yet.
