"""A migration of an installation that has data loses nothing of it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from infra.migrations import migrate
from infra.postgres.engine import driver_url
from projections.generations import create, create_missing_tables

pytestmark = pytest.mark.integration


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """An empty database."""
    engine = create_engine(driver_url(fresh_database))
    yield engine
    engine.dispose()


def marks(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text("select kind from verdicts.dirty order by id")))


def test_an_installation_without_marks_by_the_worker_has_its_whole_site_marked(
    engine: Engine, fresh_database: str
) -> None:
    """Changes may be on their topic that no publisher has marked."""
    migrate(fresh_database, revision="0008")
    with engine.begin() as connection:
        connection.execute(text("insert into verdicts.dirty (kind, key) values ('tool', 'ant')"))
        connection.execute(
            text("insert into verdicts.publisher_checkpoints values ('changes', 0, 'id', 7)")
        )
    migrate(fresh_database)
    assert marks(engine) == ["tool", "site"]
    with engine.connect() as connection:
        table = text("select to_regclass('verdicts.publisher_checkpoints')")
        assert connection.scalar(table) is None


def test_a_new_installation_has_no_page_to_write(engine: Engine, fresh_database: str) -> None:
    migrate(fresh_database)
    assert marks(engine) == []


def test_generations_get_new_columns_indexes_and_tables_and_keep_their_rows(
    engine: Engine, fresh_database: str
) -> None:
    migrate(fresh_database, revision="0012", afterwards=create_missing_tables)
    with engine.begin() as connection:
        connection.execute(text("set search_path = projections_1"))
        for statement in (
            "alter table tools drop column facts",
            "alter table categories drop column facts",
            "drop index ballots_by_tool",
            "drop table merges",
            "insert into categories values ('insects', 'Insects', 'Six legs.', 1, 'stamp')",
        ):
            connection.execute(text(statement))
        create(connection)
    migrate(fresh_database, afterwards=create_missing_tables)
    with engine.connect() as connection:
        connection.execute(text("set search_path = projections_1"))
        assert connection.scalar(text("select facts from categories")) is None
        assert connection.scalar(text("select count(facts) from tools")) == 0
        assert connection.scalar(text("select to_regclass('ballots_by_tool')")) is not None
        assert connection.scalar(text("select count(*) from merges")) == 0
