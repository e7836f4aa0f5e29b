"""Hourly counts that processes share."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from infra.settings import Settings
from projections.private.hourly_counts import (
    HourlyLimit,
    LimitReached,
    add_counts,
    count_within,
    prune_counts,
    read_counts,
)
from streams.api.auth.hourly_counters import DatabaseCounter

pytestmark = pytest.mark.integration
TIERS = [HourlyLimit("new-voter", "10.1.0.0/24", 2), HourlyLimit("new-voter", "10.1.0.0/16", 3)]


def count(engine: Engine, tiers: list[HourlyLimit] = TIERS) -> None:
    with engine.begin() as connection:
        count_within(connection, tiers)


def counts(engine: Engine) -> dict[str, int]:
    with engine.begin() as connection:
        return read_counts(connection, "new-voter")


def age(engine: Engine, seconds: int) -> None:
    with engine.begin() as connection:
        moved = "update verdicts.hourly_counts set since = since - make_interval(secs => :seconds)"
        connection.execute(text(moved), {"seconds": seconds})


def test_a_full_tier_refuses_for_the_rest_of_its_hour(engine: Engine) -> None:
    count(engine)
    count(engine)
    age(engine, 600)
    with pytest.raises(LimitReached) as refused:
        count(engine)
    assert refused.value.seconds in (2999, 3000)
    age(engine, 3000)
    count(engine)
    assert counts(engine) == {"10.1.0.0/16": 1, "10.1.0.0/24": 1}


def test_a_full_wide_tier_counts_the_voter_nowhere(engine: Engine) -> None:
    other = [HourlyLimit("new-voter", "10.1.1.0/24", 2), TIERS[1]]
    count(engine)
    count(engine)
    count(engine, other)
    with pytest.raises(LimitReached):
        count(engine, other)
    assert counts(engine) == {"10.1.0.0/16": 3, "10.1.0.0/24": 2, "10.1.1.0/24": 1}


def test_a_limit_of_none_admits_nobody(engine: Engine) -> None:
    with pytest.raises(LimitReached) as refused:
        count(engine, [HourlyLimit("new-voter", "10.1.0.0/24", 0)])
    assert refused.value.seconds == 3600
    assert counts(engine) == {}


def test_what_happened_already_counts_past_the_limit(engine: Engine) -> None:
    with engine.begin() as connection:
        assert count_within(connection, TIERS) == {TIERS[0]: 1, TIERS[1]: 2}
        assert add_counts(connection, {TIERS[1]: 2, TIERS[0]: 2}) == {TIERS[0]: -1, TIERS[1]: 0}
    assert counts(engine) == {"10.1.0.0/16": 3, "10.1.0.0/24": 3}
    with pytest.raises(LimitReached):
        count(engine)


def test_prefixes_whose_hour_is_over_are_pruned(engine: Engine) -> None:
    count(engine)
    age(engine, 3600)
    count(engine, [HourlyLimit("new-voter", "10.2.0.0/24", 2)])
    with engine.begin() as connection:
        prune_counts(connection)
        stored = connection.scalars(text("select key from verdicts.hourly_counts"))
        assert list(stored) == ["10.2.0.0/24"]


def test_purposes_count_apart(engine: Engine) -> None:
    count(engine, [HourlyLimit("new-voter", "10.1.0.0/24", 1)])
    count(engine, [HourlyLimit("mail-from", "10.1.0.0/24", 1)])
    with pytest.raises(LimitReached) as refused:
        count(engine, [HourlyLimit("mail-from", "10.1.0.0/24", 1)])
    assert refused.value.purpose == "mail-from"
    assert counts(engine) == {"10.1.0.0/24": 1}


def test_of_many_at_once_no_more_are_admitted_than_the_limit(projected_url: str) -> None:
    counter = DatabaseCounter(Settings.from_environment({"DATABASE_URL": projected_url}))

    def is_admitted(_: int) -> bool:
        try:
            counter({HourlyLimit("new-voter", "10.1.0.0/24", 7): 1}, admitted=False)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(is_admitted, range(40))) == 7
    counter.close()
