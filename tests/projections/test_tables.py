import pytest
from sqlalchemy import text

from tests.harness.journal import Journal

pytestmark = pytest.mark.integration


def test_every_key_column_compares_as_bytes(journal: Journal) -> None:
    with journal.engine.connect() as connection:
        unlike = connection.scalars(
            text(
                "select table_name || '.' || column_name from information_schema.columns "
                "join information_schema.key_column_usage using "
                "(table_schema, table_name, column_name) "
                "where table_schema = current_schema() and data_type = 'text' "
                "and collation_name is distinct from 'C'"
            )
        )
        assert list(unlike) == []
