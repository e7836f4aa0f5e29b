"""Counts of new voters that processes share."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from infra.migrations import migrate
from infra.postgres.engine import create_engine
from infra.settings import Settings
from projections.private.new_voters import (
    NewVoterTier,
    TooManyNewVoters,
    count_new_voter,
    prune_new_voters,
    read_new_voters,
)

pytestmark = pytest.mark.integration
TIERS = [NewVoterTier("10.1.0.0/24", 2), NewVoterTier("10.1.0.0/16", 3)]


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    settings = Settings.from_environment({"DATABASE_URL": fresh_database})
    migrate(settings)
    engine = create_engine(settings)
    yield engine
    engine.dispose()


def count(engine: Engine, tiers: list[NewVoterTier] = TIERS) -> None:
    with engine.begin() as connection:
        count_new_voter(connection, tiers)


def counts(engine: Engine) -> dict[str, int]:
    with engine.begin() as connection:
        return read_new_voters(connection)


def age(engine: Engine, seconds: int) -> None:
    with engine.begin() as connection:
        moved = "update verdicts.new_voters set since = since - make_interval(secs => :seconds)"
        connection.execute(text(moved), {"seconds": seconds})


def test_a_full_tier_refuses_for_the_rest_of_its_hour(engine: Engine) -> None:
    count(engine)
    count(engine)
    age(engine, 600)
    with pytest.raises(TooManyNewVoters) as refused:
        count(engine)
    assert refused.value.seconds in (2999, 3000)
    age(engine, 3000)
    count(engine)
    assert counts(engine) == {"10.1.0.0/16": 1, "10.1.0.0/24": 1}


def test_a_full_wide_tier_counts_the_voter_nowhere(engine: Engine) -> None:
    other = [NewVoterTier("10.1.1.0/24", 2), TIERS[1]]
    count(engine)
    count(engine)
    count(engine, other)
    with pytest.raises(TooManyNewVoters):
        count(engine, other)
    assert counts(engine) == {"10.1.0.0/16": 3, "10.1.0.0/24": 2, "10.1.1.0/24": 1}


def test_a_limit_of_none_admits_nobody(engine: Engine) -> None:
    with pytest.raises(TooManyNewVoters) as refused:
        count(engine, [NewVoterTier("10.1.0.0/24", 0)])
    assert refused.value.seconds == 3600
    assert counts(engine) == {}


def test_prefixes_whose_hour_is_over_are_pruned(engine: Engine) -> None:
    count(engine)
    age(engine, 3600)
    count(engine, [NewVoterTier("10.2.0.0/24", 2)])
    with engine.begin() as connection:
        prune_new_voters(connection)
        stored = connection.scalars(text("select prefix from verdicts.new_voters"))
        assert list(stored) == ["10.2.0.0/24"]
