import pytest
from sqlalchemy import Engine

from tests.harness.journal import Journal


@pytest.fixture
def journal(projected: Engine) -> Journal:
    """A journal on empty tables."""
    return Journal(projected)
