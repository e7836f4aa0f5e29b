"""A migrated database of each test's own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from infra.postgres.engine import create_engine


@pytest.fixture
def engine(projected_url: str) -> Iterator[Engine]:
    engine = create_engine(projected_url)
    yield engine
    engine.dispose()
