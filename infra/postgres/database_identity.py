"""Tells a database from its copies."""

from sqlalchemy import Connection, text

_MAY_ASK = text("select has_function_privilege('pg_control_system()', 'execute')")
_SYSTEM = text("select system_identifier from pg_control_system()")
# The timeline of the log that is written now: the control file learns of a promotion only with the
# next checkpoint.
_PLACE = text(
    """
    select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)
        || '.' || oid || '.' || cast(cast(:table as regclass) as oid)
    from pg_database where datname = current_database()
    """
)


def database_identity(connection: Connection, table: str) -> str:
    """A text that tells the database from one that was restored or promoted.

    A server that was created anew has another system identifier, one that was restored to a point
    in time or promoted another timeline, a database that was created anew another oid, and a table
    that was restored into the same database, too. A snapshot of a disk has all of them in common
    with its original. Where the server does not tell its identifier, the others have to do.

    Args:
        connection: On the database of a primary server.
        table: Any table that a restore creates anew.
    """
    may_ask = connection.execute(_MAY_ASK).scalar_one()
    system = connection.execute(_SYSTEM).scalar_one() if may_ask else ""
    return f"{system}.{connection.execute(_PLACE, {'table': table}).scalar_one()}"
