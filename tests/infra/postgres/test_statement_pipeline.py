"""Statements that do not wait for one another are one transaction all the same."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, OperationalError, ProgrammingError

from infra.postgres.engine import create_engine
from infra.postgres.statement_pipeline import pipelined

pytestmark = pytest.mark.integration

MARK = "insert into verdicts.dirty (kind, key) values ('tool', %(key)s) returning key"


def marked(projected: Engine) -> list[str]:
    with projected.connect() as connection:
        return list(connection.scalars(text("select key from verdicts.dirty order by id")))


def test_all_statements_are_committed_together_and_answers_come_in_any_order(
    projected: Engine,
) -> None:
    with pipelined(projected) as connection:
        first, second = (connection.exec_driver_sql(MARK, {"key": key}) for key in ("ant", "bee"))
        assert second.all() == [("bee",)]
        assert first.all()[0].key == "ant"
        assert marked(projected) == []
    assert marked(projected) == ["ant", "bee"]


def test_what_nobody_looked_at_is_committed_too(projected: Engine) -> None:
    with pipelined(projected) as connection:
        connection.exec_driver_sql(MARK, {"key": "ant"})
    assert marked(projected) == ["ant"]


def test_after_an_error_of_ones_own_nothing_is_committed(projected: Engine) -> None:
    def fail(looks: bool) -> None:
        with pipelined(projected) as connection:
            sent = connection.exec_driver_sql(MARK, {"key": "ant"})
            if looks:
                sent.all()
            raise KeyError("of one's own")

    for looks in (True, False):
        with pytest.raises(KeyError):
            fail(looks)
    assert marked(projected) == []


def send(to: Engine, *statements: str) -> None:
    with pipelined(to) as connection:
        connection.exec_driver_sql(MARK, {"key": "ant"}).all()
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_statement_that_fails_unseen_takes_all_others_with_it(projected: Engine) -> None:
    with pytest.raises(DataError):
        send(projected, "select 1 / 0", "select 1")
    with pytest.raises(ProgrammingError):
        send(projected, "select * from nowhere")
    assert marked(projected) == []


def test_a_connection_that_is_lost_is_replaced(projected: Engine, migrated: str) -> None:
    engine = create_engine(migrated, pool_size=1, max_overflow=0)
    with pytest.raises(OperationalError) as lost:
        send(engine, "select pg_terminate_backend(pg_backend_pid())")
    assert lost.value.connection_invalidated
    with pipelined(engine) as connection:
        connection.exec_driver_sql(MARK, {"key": "bee"})
    assert marked(projected) == ["bee"]
    engine.dispose()


def test_it_begins_as_the_engines_transactions_begin(projected: Engine, migrated: str) -> None:
    asked = "select current_setting('search_path') as path"
    seeing = create_engine(migrated)
    with pipelined(seeing) as connection, seeing.connect() as plain:
        (row,) = connection.exec_driver_sql(asked).all()
        assert row.path == plain.scalar(text(asked))
        assert row.path.startswith("projections_")
    seeing.dispose()


def test_whoever_is_stopped_in_the_middle_holds_no_lock_for_long(projected: Engine) -> None:
    with pipelined(projected) as connection:
        sent = connection.exec_driver_sql("select pg_backend_pid() as pid")
        (limit,) = connection.exec_driver_sql("show transaction_timeout").all()
        (session,) = sent.all()
        assert limit.transaction_timeout == "10s"
        with projected.connect() as other:
            asked = text("select state from pg_stat_activity where pid = :pid")
            state = other.scalar(asked, {"pid": session.pid})
        # From here on the server's time-out for idling counts: it knows that it is our turn.
        assert state == "idle in transaction"
