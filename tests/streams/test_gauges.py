from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from sqlalchemy import Engine

from infra.codec import Codec
from infra.database import engine
from infra.log import Log
from infra.producer import configuration
from infra.settings import Settings
from projections import heartbeats, store
from projections.checkpoints import DatabaseCheckpoints
from projections.store import Batch
from schemas.topics import VOTES
from streams.gauges import Gauges
from tests.examples import a_vote

Seen = dict[tuple[str, ...], float]


def look(gauges: Gauges) -> dict[str, Seen]:
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in gauges.collect()
    }


@pytest.fixture
def its(cluster: str) -> Settings:
    return Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": cluster})


@pytest.mark.integration
def test_lag_is_told_in_events_and_seconds_by_projection_and_partition(
    its: Settings, projected: Engine, unique: Callable[[str], str]
) -> None:
    log, place = Log(its), (VOTES.name, 5)
    DatabaseCheckpoints(projected, log).load([place])
    end = log.ends([place])[place]
    with projected.begin() as connection:
        connection.exec_driver_sql(f"update checkpoints set next_offset = {end}")
    producer = Producer(configuration(its))
    for number in range(3):
        value = Codec().encode(a_vote(id=str(number)))
        stamp = 1_000_000_000_000  # as if it had stood there for years
        producer.produce(VOTES.name, value, unique("v").encode(), place[1], timestamp=stamp)
    producer.flush()
    seen = look(Gauges(its, projected))
    labels = ("projections_1", VOTES.name, "5")
    assert seen["verdicts_lag_events"][labels] == 3
    assert seen["verdicts_lag_seconds"][labels] > 3600
    store.apply(projected, [Batch(place, end, end + 3, [])])
    seen = look(Gauges(its, projected))
    assert seen["verdicts_lag_events"][labels] == seen["verdicts_lag_seconds"][labels] == 0


@pytest.mark.integration
def test_what_waits_and_who_lives_is_told(its: Settings, projected: Engine) -> None:
    with projected.begin() as connection:
        heartbeats.beat(connection, "worker", "w-1", {})
        connection.exec_driver_sql("insert into verdicts.outbox (kind, key) values ('tool', 'x')")
    seen = look(Gauges(its, projected))
    assert seen["verdicts_queue_length"] == {("outbox",): 1, ("pages",): 0}
    assert seen["verdicts_queue_age_seconds"]["outbox",] > 0
    assert ("worker", "w-1") in seen["verdicts_beat_age_seconds"]
    assert seen["verdicts_live_generation"] == {("projections_1",): 1}
    assert seen["verdicts_chain_visible"] == {(): 1}


@pytest.mark.integration
def test_looks_are_shared_for_a_moment(its: Settings, projected: Engine) -> None:
    gauges = Gauges(its, projected)
    first = look(gauges)
    with projected.begin() as connection:
        connection.exec_driver_sql("insert into verdicts.outbox (kind, key) values ('tool', 'x')")
    assert look(gauges) == first


@pytest.mark.integration
def test_without_a_database_only_that_is_told(its: Settings, database: str) -> None:
    gone = engine(database.replace("verdicts:", "nobody:"), name="verdicts tests")
    assert look(Gauges(its, gone)) == {"verdicts_chain_visible": {(): 0}}
    gone.dispose()
