from collections.abc import Callable

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic

from infra.kafka.client import create_admin, create_producer
from infra.kafka.offsets import LogOffsets
from schemas.topics import EVENT_PARTITIONS
from tests.harness.kafka import at_kafka

pytestmark = pytest.mark.integration


def test_markers_of_transactions_take_offsets_and_are_no_records(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    topic = unique("marked")
    admin = create_admin(at_kafka(kafka))
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
    producer = create_producer(at_kafka(kafka), {"transactional.id": topic})
    producer.init_transactions(20)
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        producer.produce(topic, b"a record")
        producer.flush(20)
        end(20)
    log = LogOffsets(at_kafka(kafka))
    partition = (topic, 0)
    assert log.ends([partition]) == {partition: 4}
    assert log.has_records(partition, 0, 4)
    assert not log.has_records(partition, 1, 4)


def test_records_that_a_log_has_lost_count_as_records(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    topic = unique("cut")
    admin = create_admin(at_kafka(kafka))
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
    producer = create_producer(at_kafka(kafka))
    for _ in range(4):
        producer.produce(topic, b"a record")
    assert producer.flush(20) == 0
    admin.delete_records([TopicPartition(topic, 0, 3)])[TopicPartition(topic, 0)].result(20)
    log = LogOffsets(at_kafka(kafka))
    assert log.has_records((topic, 0), 0, 2)
    assert log.has_records((topic, 0), 3, 4)
    assert log.has_records((topic, 0), 7, 9)


def test_a_client_that_has_met_no_broker_yet_is_answered_too(cluster: dict[str, str]) -> None:
    settings = at_kafka(cluster)
    for _ in range(40):  # asked at once, the library let one of eight wait for three seconds
        assert set(LogOffsets(settings, seconds=2).ends(EVENT_PARTITIONS)) == set(EVENT_PARTITIONS)
