"""The way to PostgreSQL: one engine for all services.

Two schemas, two lifetimes. `verdicts` is permanent; see `infra.migrations`. The projections live
in a schema per generation (`projections_1`, …) that is dropped and rebuilt at will; the one row of
`verdicts.generation` names the live one, and every transaction looks there first.
"""

import threading
from collections.abc import Iterable
from functools import partial
from typing import Any

import psycopg
import sqlalchemy
from psycopg import Notify
from sqlalchemy import URL, Connection, Engine, event, make_url, text

from infra.postgres.pipeline import ENTERS, Statements
from infra.settings import Settings

SCHEMA = "verdicts"
IDLE_IN_TRANSACTION_SECONDS = 5
# Less than the above. A stopped process that waits for several locks would else get the second
# when it loses the first, and hold its successor up for five seconds each.
LOCK_SECONDS = 4
# A host that vanished, or a network that swallows everything, sends no word that it has: the kernel
# would go on sending for a quarter of an hour, and listen for ever. So it asks, and gives up.
LOST_SECONDS = 10
_NOTICES_LOSS: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": LOST_SECONDS * 1000,
}

# Held shared by every batch that is applied to the live generation, and alone by a promotion.
GENERATION_LOCK = 0x67656E72  # "genr", as migration 0004 spells it out
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
    """A pooled engine whose transactions see the live projections, then the permanent schema.

    A connection that idles in a transaction for `idle_seconds` is ended by the server (0: never),
    so that a stopped process cannot hold its locks against its successor.

    Args:
        target: Settings with a `database_url`, or such an address itself.
        name: Shown by the server beside each connection.
        pool_size: Connections kept open.
        max_overflow: Further connections at peaks.
        idle_seconds: See above.
        writes: Whether transactions write projections: then no other generation becomes the live
            one before they end. They wait for a lock for `LOCK_SECONDS`.
        generation: Sees this generation in place of the live one. With `writes`, a transaction
            fails once it is the live one: what follows it must not write it any more.
        retried: Whether whatever fails is tried again, so that a connection that was lost may be
            found out when it is used; else the server is asked before each transaction.
    """
    path = f"{generation},{SCHEMA}" if generation else SCHEMA
    options = f"-c search_path={path}"
    if writes and not generation:
        options += f" -c lock_timeout={LOCK_SECONDS}s"
    made = create_plain_engine(
        target, name, idle_seconds, pool_size, max_overflow, options, ping=not retried
    )
    if generation:
        statement = f"select verdicts.follow('{generation}')" if writes else ""
    else:
        statement = _ENTER_GENERATION if writes else _SEE_GENERATION
    if statement:
        event.listen(made, "begin", partial(_find_generation, statement))
    return made.execution_options(**{ENTERS: statement})


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
    """A pooled engine with these options of its sessions; see `create_engine`."""
    return sqlalchemy.create_engine(
        driver_url(target),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=ping,
        connect_args={
            "application_name": name,
            "connect_timeout": 5,
            **_NOTICES_LOSS,
            "options": (
                f"{options} -c idle_in_transaction_session_timeout={idle_seconds}s -c timezone=UTC"
            ),
        },
    )


def connect(target: Settings | str, name: str) -> psycopg.Connection:
    """One connection of its own, outside transactions: for advisory locks and notifications."""
    plain = target if isinstance(target, str) else target.database_url
    return psycopg.connect(
        plain, autocommit=True, application_name=name, connect_timeout=5, **_NOTICES_LOSS
    )


def wait_for_lock(connection: psycopg.Connection, key: int, stopping: threading.Event) -> bool:
    """Take an advisory lock, which goes with the connection; False when told to stop first."""
    while not stopping.is_set():
        row = connection.execute("select pg_try_advisory_lock(%s)", [key]).fetchone()
        if row and row[0]:
            return True
        stopping.wait(0.5)
    return False


def server_time(connection: Connection) -> float:
    """What the time is for the server, in seconds since 1970."""
    asked = text("select extract(epoch from clock_timestamp())::float8")
    return float(connection.execute(asked).scalar_one())


def error_text(error: Exception) -> str:
    """A server's own words for an error: one line, without the SQL that SQLAlchemy adds."""
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0].strip() if said else type(error).__name__


def notify(connection: Statements, channel: str, messages: Iterable[str]) -> None:
    """Tell listeners, when this transaction commits."""
    connection.exec_driver_sql(_NOTIFY, {"channel": channel, "messages": list(messages)})


def wait_notifications(connection: psycopg.Connection, seconds: float = 0.5) -> list[Notify]:
    """Wait for notifications, but not for ever: who waits must notice that it is to stop."""
    return list(connection.notifies(timeout=min(seconds, 0.5), stop_after=1))


def driver_url(target: Settings | str) -> URL:
    """The address for SQLAlchemy with psycopg 3, from the plain `postgresql://` one."""
    plain = target if isinstance(target, str) else target.database_url
    return make_url(plain.replace("postgres://", "postgresql://", 1)).set(
        drivername="postgresql+psycopg"
    )


def _find_generation(statement: str, connection: Connection) -> None:
    """Set the search path of a transaction that begins, as its first statement."""
    driver = connection.connection
    try:
        driver.cursor().execute(statement)
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedFunction,
        psycopg.errors.InvalidSchemaName,
    ):
        driver.rollback()  # Not migrated yet, so there is nothing to see but that.
