"""Tells a database from its copies."""

from sqlalchemy import Connection, text

_MAY_ASK = text(
    """
    select has_function_privilege('pg_control_system()', 'execute')
        and has_function_privilege('pg_control_checkpoint()', 'execute')
    """
)
_SERVER = text(
    """
    select system_identifier || '.' || timeline_id from pg_control_system(), pg_control_checkpoint()
    """
)
_DATABASE = text(
    """
    select oid || '.' || cast(cast(:table as regclass) as oid) from pg_database
    where datname = current_database()
    """
)


def database_identity(connection: Connection, table: str) -> str:
    """A text that a copy of the database does not have, whichever way it was made.

    A server that was created anew has another system identifier, one that was restored to a point
    in time or promoted another timeline, a database on the same server another oid, and a table
    that was restored into the same database, too. Where the server does not tell its own part, the
    oids have to do.

    Args:
        connection: On the database.
        table: Any table that a restore would create anew.
    """
    server = connection.execute(_SERVER).scalar_one() if _may_ask(connection) else ""
    return f"{server}.{connection.execute(_DATABASE, {'table': table}).scalar_one()}"


def _may_ask(connection: Connection) -> bool:
    return bool(connection.execute(_MAY_ASK).scalar_one())
