import time
from collections.abc import Callable, Mapping

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from infra.kafka.client import create_producer
from infra.kafka.codec import Codec, UndecodableError
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import LogRecord, OffsetRange
from infra.postgres import heartbeats
from infra.postgres.engine import create_engine
from infra.settings import Settings
from infra.telemetry import metrics
from projections.pipeline_state import UNREAD, Lag
from projections.write import store
from projections.write.checkpoints import DatabaseCheckpoints
from projections.write.store import Batch
from schemas.topics import VOTES, TopicPartition
from streams.api.status.lag_gauges import LagGauges, gauges
from streams.api.status.pipeline_reader import NO_LAG, PipelineReader
from streams.deadletters.replay import DeadLetterReplay
from tests.harness.examples import a_vote
from tests.harness.kafka import hanging_transaction, write_dead_letter
from tests.harness.waiting import wait_until

Seen = dict[tuple[str, ...], float]


def look(gauges: LagGauges) -> dict[str, Seen]:
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in gauges.collect()
    }


@pytest.fixture
def settings(cluster: dict[str, str]) -> Settings:
    return Settings.from_environment(cluster)


def create_and_flush(settings: Settings, partition: TopicPartition, voter: str) -> None:
    producer = create_producer(settings)
    producer.produce(partition[0], Codec().encode(a_vote()), voter.encode(), partition[1])
    assert producer.flush(20) == 0


@pytest.mark.integration
def test_lag_is_in_events_and_seconds_by_projection_and_partition(
    settings: Settings, projected: Engine, unique: Callable[[str], str]
) -> None:
    log, partition = LogOffsets(settings), (VOTES.name, 5)
    DatabaseCheckpoints(projected, log).load([partition])
    end = log.ends([partition])[partition]
    with projected.begin() as connection:
        connection.exec_driver_sql(f"update checkpoints set next_offset = {end}")
    producer = create_producer(settings)
    for number in range(3):
        value = Codec().encode(a_vote(id=str(number)))
        stamp = 1_000_000_000_000  # as if it had stood there for years
        producer.produce(VOTES.name, value, unique("v").encode(), partition[1], timestamp=stamp)
    producer.flush()
    seen = look(LagGauges(settings, projected))
    labels = ("projections_1", VOTES.name, "5")
    assert seen["verdicts_lag_events"][labels] == 3
    assert seen["verdicts_lag_seconds"][labels] > 3600
    store.apply(projected, [Batch(partition, end, end + 3, [])])
    seen = look(LagGauges(settings, projected))
    assert seen["verdicts_lag_events"][labels] == seen["verdicts_lag_seconds"][labels] == 0


def too_late(
    _: Settings, spans: Mapping[TopicPartition, OffsetRange]
) -> dict[TopicPartition, float | None]:
    """What a broker is worth that is too slow to give a record in time."""
    return dict.fromkeys(spans)


@pytest.mark.integration
def test_a_record_of_unknown_age_counts_as_lag(settings: Settings, projected: Engine) -> None:
    log, partition = LogOffsets(settings), (VOTES.name, 6)
    producer = create_producer(settings)
    producer.produce(VOTES.name, Codec().encode(a_vote()), b"v-1", partition[1])
    producer.flush()
    end = log.ends([partition])[partition]
    DatabaseCheckpoints(projected, log).load([partition])
    with projected.begin() as connection:
        connection.exec_driver_sql(f"update checkpoints set next_offset = {end - 1}")
    seen = look(LagGauges(settings, projected, too_late))
    labels = ("projections_1", VOTES.name, "6")
    assert seen["verdicts_lag_events"][labels] == 1
    assert labels not in seen["verdicts_lag_seconds"]


@pytest.mark.integration
def test_markers_of_transactions_are_no_lag(
    settings: Settings, projected: Engine, unique: Callable[[str], str]
) -> None:
    log, partition = LogOffsets(settings), (VOTES.name, 2)
    producer = create_producer(settings, {"transactional.id": unique("txn")})
    producer.init_transactions(20)
    producer.begin_transaction()
    begin = log.ends([partition])[partition]
    producer.produce(VOTES.name, Codec().encode(a_vote()), unique("v").encode(), partition[1])
    producer.commit_transaction(20)
    wait_until(
        "the records are on the log",
        lambda: log.ends([partition])[partition],
        lambda end: end == begin + 2,
    )
    DatabaseCheckpoints(projected, log).load([partition])
    labels = ("projections_1", VOTES.name, "2")
    for offset, events in ((begin, 2), (begin + 1, 0)):
        with projected.begin() as connection:
            connection.exec_driver_sql(f"update checkpoints set next_offset = {offset}")
        assert look(LagGauges(settings, projected))["verdicts_lag_events"][labels] == events


@pytest.mark.integration
def test_records_behind_an_open_transaction_are_lag(
    settings: Settings, projected: Engine, unique: Callable[[str], str]
) -> None:
    log, partition = LogOffsets(settings), (VOTES.name, 3)
    begin = log.ends([partition])[partition]
    DatabaseCheckpoints(projected, log).load([partition])
    with projected.begin() as connection:
        connection.exec_driver_sql(f"update checkpoints set next_offset = {begin}")
    with hanging_transaction(settings, partition, unique("hangs")):
        create_and_flush(settings, partition, unique("v"))
        reader = PipelineReader(projected, settings, 3.0)
        state = reader.add_lags(reader.read_database(), ["projections_1"])
        assert state.lags["projections_1", partition].records == 61
        (transaction,) = state.open_transactions
        assert (transaction.topic_partition, transaction.offset) == (partition, begin)
        assert not transaction.lasts(60.0)
        state = reader.add_lags(state, ["projections_1"], 60.0)
        assert state.lags["projections_1", partition] == NO_LAG
    wait_until(
        "the brokers have written the markers",
        lambda: reader.add_lags(state, ["projections_1"]).open_transactions,
        lambda transactions: transactions == (),
    )


@pytest.mark.integration
def test_a_record_dated_ahead_hides_no_lag(
    settings: Settings, projected: Engine, unique: Callable[[str], str]
) -> None:
    log, partition, key = LogOffsets(settings), (VOTES.name, 7), ("projections_1", (VOTES.name, 7))
    DatabaseCheckpoints(projected, log).load([partition])
    producer, ahead = create_producer(settings), int(time.time() + 600) * 1000
    value = Codec().encode(a_vote())
    producer.produce(VOTES.name, value, unique("v").encode(), partition[1], timestamp=ahead)
    assert producer.flush(20) == 0
    end = log.ends([partition])[partition]
    with projected.begin() as connection:
        connection.exec_driver_sql(f"update checkpoints set next_offset = {end}")
    create_and_flush(settings, partition, unique("v"))
    clock = iter((0.0, 9.0, 10.0))
    reader = PipelineReader(projected, settings, 3.0, clock=lambda: next(clock))
    records = []
    for _ in range(3):
        state = reader.add_lags(reader.read_database(), ["projections_1"], 10.0)
        records.append(state.lags[key].records)
    assert records == [0, 0, 1]


@pytest.mark.integration
def test_dead_letters_wait_until_they_are_resolved(
    settings: Settings, projected: Engine, unique: Callable[[str], str]
) -> None:
    def waiting() -> float:
        return look(LagGauges(settings, projected))["verdicts_dead_letters_waiting"][()]

    before, key = waiting(), unique("v").encode()
    record = LogRecord(VOTES.name, 1, 2_000_000, 1, key, b"garbage")
    for _ in range(2):
        write_dead_letter(settings, record, UndecodableError("no such schema yet"))
    assert waiting() == before + 2
    replay = DeadLetterReplay(settings, projected, Codec())
    replay.discard(
        [dead_letter for dead_letter in replay.list_all() if dead_letter.key == key], "a test"
    )
    assert waiting() == before


@pytest.mark.integration
def test_queues_heartbeats_and_the_live_generation_are_shown(
    settings: Settings, projected: Engine
) -> None:
    with projected.begin() as connection:
        heartbeats.record(connection, "worker", "w-1", {})
        connection.exec_driver_sql("insert into verdicts.outbox (kind, key) values ('tool', 'x')")
        connection.exec_driver_sql(
            "insert into verdicts.dirty (kind, key, backfill, at) values "
            "('tool', 'x', false, now()), ('tool', 'x', false, now() - interval '1 hour'), "
            "('site', '', true, now() - interval '2 hours')"
        )
    seen = look(LagGauges(settings, projected))
    assert seen["verdicts_queue_length"] == {("outbox",): 1, ("pages",): 2, ("backfill",): 1}
    assert seen["verdicts_oldest_dirty_page_seconds"][()] >= 7200
    assert 3600 <= seen["verdicts_queue_age_seconds"]["pages",] < 7200
    assert seen["verdicts_queue_age_seconds"]["outbox",] > 0
    assert ("worker", "w-1") in seen["verdicts_beat_age_seconds"]
    assert seen["verdicts_live_generation"] == {("projections_1",): 1}
    assert seen["verdicts_chain_visible"] == {(): 1}


@pytest.mark.integration
def test_a_reading_serves_several_scrapes(settings: Settings, projected: Engine) -> None:
    asked = LagGauges(settings, projected)
    first = look(asked)
    with projected.begin() as connection:
        connection.exec_driver_sql("insert into verdicts.outbox (kind, key) values ('tool', 'x')")
    assert look(asked) == first


@pytest.mark.integration
def test_without_a_database_only_that_is_shown(settings: Settings, database: str) -> None:
    gone = create_engine(database.replace("verdicts:", "nobody:"), name="verdicts tests")
    assert look(LagGauges(settings, gone)) == {"verdicts_chain_visible": {(): 0}}
    gone.dispose()


@pytest.mark.integration
def test_without_a_broker_only_that_is_shown_and_not_read_again_at_once(
    projected: Engine,
) -> None:
    gone = Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    lag_gauges = LagGauges(gone, projected, broker_seconds=0.5, remembered_seconds=0.4)
    assert look(lag_gauges) == {"verdicts_chain_visible": {(): 0}}
    since = time.monotonic()
    assert look(lag_gauges) == {"verdicts_chain_visible": {(): 0}}
    assert time.monotonic() - since < 0.3


def test_a_lag_of_unknown_age_has_no_seconds() -> None:
    old, unread = ("projections_1", (VOTES.name, 0)), ("projections_1", (VOTES.name, 1))
    state = replace(UNREAD, lags={old: Lag(2, 7.5), unread: Lag(1, None)})
    shown = gauges(state)
    assert shown[metrics.LAG_EVENTS] == {
        ("projections_1", VOTES.name, "0"): 2,
        ("projections_1", VOTES.name, "1"): 1,
    }
    assert shown[metrics.LAG_SECONDS] == {("projections_1", VOTES.name, "0"): 7.5}


@pytest.mark.integration
def test_mails_that_wait_have_a_number_and_an_age(settings: Settings, projected: Engine) -> None:
    with projected.begin() as connection:
        for statement in (
            "insert into verdicts.outgoing_mail (kind, recipient, fields, created) "
            "values ('sign-in', 'a@example.com', '{}', now() - interval '90 seconds')",
            "insert into verdicts.mail_issues (week) values ('2026-W47')",
            "insert into verdicts.mail_ledger (week, subscriber, due, state) values "
            "('2026-W47', 'a', now() - interval '1 hour', 'queued'), "
            "('2026-W47', 'b', now() + interval '1 hour', 'queued'), "
            "('2026-W47', 'c', now() - interval '2 days', 'queued'), "
            "('2026-W47', 'd', now(), 'ambiguous')",
        ):
            connection.exec_driver_sql(statement)
    seen = look(LagGauges(settings, projected))
    assert seen["verdicts_mails_waiting"] == {("single",): 1, ("digest",): 1}
    assert 90 <= seen["verdicts_oldest_mail_seconds"]["single",] < 600
    assert 3600 <= seen["verdicts_oldest_mail_seconds"]["digest",] < 4200
    assert seen["verdicts_mails_ambiguous"] == {(): 1}
