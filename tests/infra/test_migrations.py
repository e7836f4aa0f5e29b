"""A migration of an installation that has data loses nothing of it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from infra.migrations import migrate
from infra.postgres.engine import driver_url

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
