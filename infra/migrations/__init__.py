"""Migrations of the permanent schema `verdicts`: one module per revision in `versions/`.

A revision is named `NNNN_what_it_brings.py`, holds its DDL as SQL text, and is never edited once
released. The tables of projections are not here: a change to them needs a new generation.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from infra.errors import VerdictsError
from infra.postgres.engine import SCHEMA, create_plain_engine
from infra.settings import Settings

LEAST_VERSION = 18
VERSION_TABLE: dict[str, Any] = {"version_table": "revision", "version_table_schema": SCHEMA}

_LOCK = 0x76657264  # "verd"
_FOLDER = Path(__file__).parent


class DatabaseUnfitError(VerdictsError):
    """The server is unsuitable; the message is one sentence that says what to do."""


def migrate(
    target: Settings | str,
    afterwards: Callable[[Connection], None] = lambda _: None,
    revision: str = "head",
) -> str:
    """Migrate the permanent schema to its newest revision, and return that revision.

    Several processes may call it at once: the second waits, then finds nothing to do. All steps
    are one transaction, so a failure changes nothing.

    Args:
        target: Settings with a `database_url`, or a `postgresql://` URL.
        afterwards: Called in the same transaction, under the same lock.
        revision: Stop at an earlier one.

    Raises:
        DatabaseUnfitError: The server is older than PostgreSQL 18.
        sqlalchemy.exc.OperationalError: The server does not answer.
    """
    engine = create_plain_engine(
        target, "verdicts migrate", idle_seconds=0, pool_size=1, max_overflow=0
    )
    try:
        with engine.begin() as connection:
            _require_version(connection)
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text(f"create schema if not exists {SCHEMA}"))
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            afterwards(connection)
    finally:
        engine.dispose()
    return newest_revision()


def is_migrated(connection: Connection) -> bool:
    """Return whether the permanent schema is at the revision that this code needs."""
    context = MigrationContext.configure(connection, opts=VERSION_TABLE)
    return context.get_current_revision() == newest_revision()


def newest_revision() -> str:
    """Return the revision that this code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    # Alembic interpolates its options, so per cent signs in a path are doubled.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _require_version(connection: Connection) -> None:
    number = int(connection.execute(text("show server_version_num")).scalar_one())
    if number < LEAST_VERSION * 10_000:
        raise DatabaseUnfitError(
            f"The database runs PostgreSQL {number // 10_000}; "
            f"point DATABASE_URL to version {LEAST_VERSION} or later."
        )
