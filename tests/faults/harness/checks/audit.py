"""A database that remembers every move of a checkpoint, and gates at which transactions wait.

All of it is in a schema of the harness's own, as triggers: nothing of it is in our code.
"""

import contextlib
from collections.abc import Iterator

import psycopg

from infra.postgres.engine import GENERATION_LOCK

# A role of its own, for the one worker that waits before it moves a checkpoint.
HELD = "held"
BEFORE_MOVE, AT_COMMIT = 4243, 4242
AT_BEGIN = GENERATION_LOCK

INSTALL = f"""
create schema faults;
create table faults.moves (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    topic text not null, partition int not null, was bigint not null, now bigint not null
);

create function faults.note_move() returns trigger language plpgsql as $$
begin
    insert into faults.moves (topic, partition, was, now)
    values (new.topic, new.partition, old.next_offset, new.next_offset);
    return null;
end
$$;
create trigger note_move after update on projections_1.checkpoints
for each row execute function faults.note_move();

create function faults.wait_before_move() returns trigger language plpgsql as $$
begin
    if session_user = '{HELD}' then
        perform pg_advisory_xact_lock_shared({BEFORE_MOVE});
    end if;
    return null;
end
$$;
create trigger wait_before_move before update on projections_1.checkpoints
for each statement execute function faults.wait_before_move();

create function faults.wait_at_commit() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared({AT_COMMIT});
    return null;
end
$$;
create constraint trigger wait_at_commit after update on projections_1.checkpoints
deferrable initially deferred for each row execute function faults.wait_at_commit();
"""

_WAITING = """
select count(*) from pg_locks
where locktype = 'advisory' and not granted and (classid::bigint << 32 | objid::bigint) = %s
and database = (select oid from pg_database where datname = current_database())
"""
_BLOCKED = """
select count(*) from pg_stat_activity
where datname = current_database() and application_name like %s and wait_event_type = 'Lock'
and query like %s
"""
_OVERLAPS = """
select coalesce(sum(greatest(0, least(now, was_highest) - was)
                    + greatest(0, was - now)), 0)::bigint
from (
    select was, now, coalesce(max(now) over (
        partition by topic, partition order by id rows between unbounded preceding
        and 1 preceding), 0) as was_highest
    from faults.moves
) as moves
"""
_JUMPS = """
select coalesce(sum(greatest(0, was - was_highest)), 0)::bigint
from (
    select was, coalesce(max(now) over (
        partition by topic, partition order by id rows between unbounded preceding
        and 1 preceding), 0) as was_highest
    from faults.moves
) as moves
"""


class Gate:
    """A lock that the harness holds and transactions wait for."""

    def __init__(self, connection: psycopg.Connection, key: int) -> None:
        self._connection = connection
        self._key = key

    @property
    def waiting(self) -> int:
        return _number(self._connection, _WAITING, [self._key])

    def open(self) -> None:
        """Let all transactions pass; an open gate stays open."""
        self._connection.execute("select pg_advisory_unlock_all()")


@contextlib.contextmanager
def gate(database: str, key: int) -> Iterator[Gate]:
    """Close a gate; it opens at the end at the latest."""
    with psycopg.connect(database, autocommit=True, application_name="faults") as connection:
        connection.execute("select pg_advisory_lock(%s)", [key])
        yield Gate(connection, key)


@contextlib.contextmanager
def locked(database: str, statement: str) -> Iterator[psycopg.Connection]:
    """Hold what a statement locks, until the end or a rollback."""
    with psycopg.connect(database, application_name="faults") as connection:
        connection.execute(statement.encode())
        yield connection
        connection.rollback()


def blocked(connection: psycopg.Connection, application: str, query: str = "%") -> int:
    """Backends of an application that wait for a lock in such a query."""
    return _number(connection, _BLOCKED, [application, query])


def applied_twice(connection: psycopg.Connection) -> int:
    """Offsets that more than one committed transaction passed over, or went back over."""
    return _number(connection, _OVERLAPS, [])


def jumped(connection: psycopg.Connection) -> int:
    """Offsets that no committed transaction passed over though a later one was."""
    return _number(connection, _JUMPS, [])


def _number(connection: psycopg.Connection, query: str, values: list[object]) -> int:
    row = connection.execute(query.encode(), values).fetchone()
    assert row
    return int(row[0])
