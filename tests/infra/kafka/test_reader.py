"""The first records of stretches of the log: what waits, what does not, and what is unknown."""

import time
from collections.abc import Callable

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import NewTopic

from infra.kafka.client import create_admin, create_producer
from infra.kafka.reader import OffsetRange, ages, first_records
from infra.settings import Settings
from tests.harness.waiting import wait_until


@pytest.fixture
def settings(kafka: dict[str, str]) -> Settings:
    return Settings.from_environment(kafka)


@pytest.fixture
def topic(kafka: dict[str, str], unique: Callable[[str], str]) -> str:
    """A topic with two partitions of the test's own."""
    name = unique("scanned")
    admin = create_admin(Settings.from_environment(kafka))
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(20)
    return name


def write(settings: Settings, topic: str, partition: int, *timestamps: int) -> None:
    """Write a record for each of these times, in milliseconds."""
    producer = create_producer(settings)
    for timestamp in timestamps:
        producer.produce(topic, b"a record", partition=partition, timestamp=timestamp)
    assert producer.flush(20) == 0


def transactional(settings: Settings, topic: str) -> Producer:
    producer = create_producer(settings, {"transactional.id": topic})
    producer.init_transactions(20)
    return producer


def write_at_once(producer: Producer, topic: str) -> None:
    """Write one record in a transaction, whose mark takes the offset after it."""
    producer.begin_transaction()
    producer.produce(topic, b"a record", partition=0)
    producer.commit_transaction(20)


def now() -> int:
    return int(time.time() * 1000)


def test_a_record_that_does_not_come_in_time_is_unknown_and_an_empty_range_is_not() -> None:
    nobody = Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    waiting, done = ("topic", 0), ("topic", 1)
    assert first_records(
        nobody, {waiting: OffsetRange(0, 5), done: OffsetRange(5, 5)}, seconds=0.1
    ) == {waiting: None}


@pytest.mark.integration
def test_the_first_record_of_each_range_is_read(settings: Settings, topic: str) -> None:
    write(settings, topic, 0, now(), now())
    write(settings, topic, 1, now())
    records = first_records(
        settings, {(topic, 0): OffsetRange(1, 2), (topic, 1): OffsetRange(0, 1)}, seconds=20
    )
    assert {partition: record and record.offset for partition, record in records.items()} == {
        (topic, 0): 1,
        (topic, 1): 0,
    }


@pytest.mark.integration
def test_a_range_of_nothing_but_markers_of_transactions_has_no_record(
    settings: Settings, topic: str
) -> None:
    marks = {(topic, 0): OffsetRange(1, 2)}
    producer = transactional(settings, topic)
    write_at_once(producer, topic)
    assert first_records(settings, marks, seconds=20) == {}
    write_at_once(producer, topic)  # the next record is none of that span's
    assert first_records(settings, marks, seconds=20) == {}


@pytest.mark.integration
def test_a_record_of_an_open_transaction_does_not_count_yet(settings: Settings, topic: str) -> None:
    producer = transactional(settings, topic)
    producer.begin_transaction()
    producer.produce(topic, b"a record", partition=0)
    assert producer.flush(20) == 0
    assert first_records(settings, {(topic, 0): OffsetRange(0, 1)}, seconds=20) == {}
    producer.commit_transaction(20)
    assert first_records(settings, {(topic, 0): OffsetRange(0, 1)}, seconds=20).keys() == {
        (topic, 0)
    }


@pytest.mark.integration
def test_an_age_is_in_seconds(settings: Settings, topic: str) -> None:
    write(settings, topic, 0, now() - 60_000)
    partition = (topic, 0)
    age = wait_until(
        "the record has an age",
        lambda: ages(settings, {partition: OffsetRange(0, 1)})[partition],
        lambda age: age is not None,
    )
    assert 60 <= (age or 0) < 120


@pytest.mark.integration
def test_a_range_that_the_log_has_lost_is_unknown_and_the_others_are_read(
    settings: Settings, topic: str
) -> None:
    write(settings, topic, 0, now(), now(), now())
    write(settings, topic, 1, now())
    admin, begin = create_admin(settings), TopicPartition(topic, 0, 2)
    admin.delete_records([begin])[begin].result(20)
    records = first_records(
        settings, {(topic, 0): OffsetRange(0, 3), (topic, 1): OffsetRange(0, 1)}, seconds=20
    )
    assert records.keys() == {(topic, 0), (topic, 1)}
    assert records[topic, 0] is None
    assert records[topic, 1] is not None
