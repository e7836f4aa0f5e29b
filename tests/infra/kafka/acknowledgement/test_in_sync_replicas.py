"""Partitions with too few replicas in sync to acknowledge anything."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ConfigResource, NewTopic

from infra.kafka import topics
from infra.kafka.acknowledgement.in_sync_replicas import (
    InSyncReplicas,
    PartitionState,
    least_in_sync,
    unwritable,
)
from infra.kafka.client import create_admin
from infra.kafka.delivery import Delivery
from infra.kafka.producer import KafkaProducer
from tests.harness.kafka import at_kafka


def test_a_partition_needs_as_many_replicas_in_sync_as_its_topic_asks_for() -> None:
    def state(topic: str, in_sync: int) -> PartitionState:
        return PartitionState(topic, 0, replicas=3, in_sync=in_sync, leader=in_sync > 0)

    states = [state("a", 2), state("b", 1), state("c", 0), state("d", 3), state("e", 3)]
    blocked = unwritable(states, {"a": 2, "b": 2, "c": 1, "d": 1, "e": 4})
    assert [each.name for each in blocked] == ["b/0", "c/0"]


class ForbiddenConfigurations:
    """A cluster that does not let this client read configurations, or does not answer."""

    def __init__(self, code: int) -> None:
        self._code = code

    def describe_configs(self, resources: list[ConfigResource], **_: Any) -> dict[Any, Any]:
        answers: dict[Any, Future[Any]] = {resource: Future() for resource in resources}
        for answer in answers.values():
            answer.set_exception(KafkaException(KafkaError(self._code)))
        return answers


def test_where_the_configuration_is_secret_the_default_counts() -> None:
    forbidden: Any = ForbiddenConfigurations(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert least_in_sync(forbidden, ["a", "b"]) == {"a": 1, "b": 1}
    silent: Any = ForbiddenConfigurations(KafkaError._TIMED_OUT)
    with pytest.raises(KafkaException):
        least_in_sync(silent, ["a"])


@pytest.mark.integration
def test_a_topic_that_asks_for_more_replicas_than_it_has_takes_records(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    settings, name = at_kafka(kafka), unique("asks-for-two")
    client = create_admin(settings)
    topic = NewTopic(name, 2, 1, config={"min.insync.replicas": "2"})
    client.create_topics([topic])[name].result(20)
    topics.is_empty(settings, [name])  # returns once every partition has a leader
    assert least_in_sync(client, [name]) == {name: 2}
    assert InSyncReplicas(settings).find_unwritable([name]) == ()

    async def scene() -> tuple[Delivery, str]:
        producer = KafkaProducer(settings)
        delivery = await producer.send(name, b"k", b"v")
        fault = producer.fault
        await producer.close()
        return delivery, fault

    delivery, fault = asyncio.run(scene())
    assert (delivery.topic, fault) == (name, "")
