import os
import socket
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import text

from infra.migrations import is_migrated, migrate, newest_revision
from infra.postgres.engine import connect, create_engine, driver_url

pytestmark = pytest.mark.integration


def test_the_plain_address_becomes_one_for_psycopg() -> None:
    assert str(driver_url("postgres://a@h/d")) == "postgresql+psycopg://a@h/d"
    assert driver_url("postgresql://a:p@h/d?sslmode=require").query == {"sslmode": "require"}


def test_a_migrated_database_says_so(fresh_database: str) -> None:
    with create_engine(fresh_database).connect() as connection:
        assert not is_migrated(connection)
    assert migrate(fresh_database) == newest_revision()
    with create_engine(fresh_database).connect() as connection:
        assert is_migrated(connection)


def test_migrators_that_run_at_once_agree(fresh_database: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(migrate, [fresh_database] * 3)) == {newest_revision()}


def test_connections_see_the_live_generation_first(fresh_database: str) -> None:
    migrate(fresh_database)
    with create_engine(fresh_database).begin() as connection:
        assert connection.scalar(text("show search_path")) == "projections_1, verdicts"
        connection.execute(text("update verdicts.generation set live = 'projections_2'"))
    with create_engine(fresh_database).connect() as connection:
        connection.rollback()
        assert connection.scalar(text("show search_path")) == "projections_2, verdicts"


def test_a_second_generation_cannot_be_live_too(fresh_database: str) -> None:
    migrate(fresh_database)
    with (
        pytest.raises(Exception, match="generation"),
        create_engine(fresh_database).begin() as connection,
    ):
        connection.execute(text("insert into verdicts.generation (live) values ('other')"))


def test_a_connection_that_idles_in_a_transaction_is_ended_by_the_server(database: str) -> None:
    with create_engine(database).connect() as connection:
        assert connection.scalar(text("show idle_in_transaction_session_timeout")) == "5s"
        assert connection.scalar(text("show application_name")) == "verdicts"


def test_the_database_sorts_by_bytes_and_speaks_utf_8(database: str) -> None:
    with sqlalchemy.create_engine(driver_url(database)).connect() as connection:
        assert connection.scalar(text("show server_encoding")) == "UTF8"
        assert connection.scalar(text("select 'B' < 'a' and 'z' < 'ä'"))


def test_every_connection_notices_that_its_server_has_vanished(database: str) -> None:
    with create_engine(database).connect() as connection, connect(database, "test") as plain:
        pooled = connection.connection.driver_connection
        assert isinstance(pooled, psycopg.Connection)
        assert _seconds_until_lost(pooled) == _seconds_until_lost(plain) == [10, 10]


def _seconds_until_lost(connection: psycopg.Connection) -> list[int]:
    """After how long it is given up while it waits for an answer, and while something is sent."""
    with socket.socket(fileno=os.dup(connection.fileno())) as client:

        def option(name: int) -> int:
            return client.getsockopt(socket.IPPROTO_TCP, name)

        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        probes = option(socket.TCP_KEEPCNT) * option(socket.TCP_KEEPINTVL)
        unsent = option(socket.TCP_USER_TIMEOUT) // 1000
        return [option(socket.TCP_KEEPIDLE) + probes, unsent]
