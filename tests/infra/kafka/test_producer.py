"""The producer: acknowledgement, refusal, and what nobody can know."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from aiokafka.partitioner import DefaultPartitioner

from infra.kafka import topics
from infra.kafka.delivery import Delivery, DeliveryUnknown, NotWritten, Outcome, Outgoing
from infra.kafka.producer import FakeProducer, KafkaProducer
from infra.settings import Settings
from schemas.topics import FOREVER, Topic
from tests.harness.kafka import at_kafka


def nowhere() -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        return at_kafka({"KAFKA_BOOTSTRAP_SERVERS": address})


async def ends_by_itself(producer: KafkaProducer) -> None:
    """Close, which waits for what is in flight: long before its time is over there is nothing."""
    await asyncio.wait_for(producer.close(60), 30)


def test_without_a_broker_the_outcome_is_unknown_after_the_given_time() -> None:
    async def scene() -> tuple[str, str]:
        producer = KafkaProducer(nowhere(), delivery_seconds=0.3)
        try:
            before = producer.fault
            with pytest.raises(DeliveryUnknown):
                await asyncio.wait_for(producer.send("t", b"k", b"v"), 10)
            return before, producer.fault
        finally:
            await producer.close(0)

    expected = "The broker did not acknowledge the last record that was sent."
    assert asyncio.run(scene()) == ("", expected)


def test_a_record_over_the_limit_is_not_written() -> None:
    async def scene() -> None:
        producer = KafkaProducer(nowhere())
        try:
            with pytest.raises(NotWritten) as refused:
                await producer.send("t", b"k", b"x" * 3_000_000)
            assert refused.value.too_large
        finally:
            await producer.close(0)

    asyncio.run(scene())


def test_a_caller_that_no_longer_waits_does_no_harm() -> None:
    async def scene() -> None:
        producer = KafkaProducer(nowhere(), delivery_seconds=0.3)
        left = producer.send("t", b"k", b"v")
        left.cancel()
        with pytest.raises(DeliveryUnknown):
            await producer.send("t", b"k", b"v")
        await ends_by_itself(producer)

    asyncio.run(scene())


def test_each_of_several_records_has_its_own_outcome() -> None:
    async def scene() -> list[Outcome]:
        producer = KafkaProducer(nowhere(), delivery_seconds=0.3)
        large = Outgoing("t", b"k", b"x" * 3_000_000)
        try:
            assert await producer.send_all([]) == []
            together = producer.send_all([Outgoing("t", b"k", b"v"), large])
            return await asyncio.wait_for(together, 10)
        finally:
            await producer.close(0)

    unsure, refused = asyncio.run(scene())
    assert isinstance(unsure, DeliveryUnknown)
    assert isinstance(refused, NotWritten)
    assert refused.too_large


def test_no_record_of_a_topic_that_cannot_be_is_written() -> None:
    async def scene() -> list[Outcome]:
        producer = KafkaProducer(nowhere(), delivery_seconds=0.3)
        try:
            together = producer.send_all([Outgoing("", b"k", b"v"), Outgoing("", b"k", b"w")])
            return await asyncio.wait_for(together, 10)
        finally:
            await producer.close(0)

    outcomes = asyncio.run(scene())
    assert all(isinstance(outcome, NotWritten | DeliveryUnknown) for outcome in outcomes)
    assert len(outcomes) == 2


def test_a_caller_that_no_longer_waits_for_several_records_does_no_harm() -> None:
    async def scene() -> None:
        producer = KafkaProducer(nowhere(), delivery_seconds=0.3)
        producer.send_all([Outgoing("t", b"k", b"v")] * 3).cancel()
        await ends_by_itself(producer)

    asyncio.run(scene())


def test_the_fake_counts_offsets_per_topic() -> None:
    async def scene() -> list[int]:
        producer = FakeProducer()
        sent = [await producer.send(topic, b"k", b"v") for topic in ("a", "b", "a")]
        return [delivery.offset for delivery in sent]

    assert asyncio.run(scene()) == [0, 0, 1]


@pytest.mark.integration
def test_records_are_acknowledged_where_murmur2_puts_their_keys(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    topic = Topic(unique("produced"), 12, "any", "what a test produces", FOREVER)
    topics.apply(at_kafka(kafka), [topic])
    keys = [f"voter-{number}".encode() for number in range(200)]

    async def scene() -> list[int]:
        producer = KafkaProducer(at_kafka(kafka))
        try:
            sent = [producer.send(topic.name, key, b"v", [("h", b"1")]) for key in keys[:100]]
            # Of different values, so that they go in one call.
            rest = producer.send_all([Outgoing(topic.name, key, key) for key in keys[100:]])
            together = [delivery for delivery in await rest if isinstance(delivery, Delivery)]
            return [
                delivery.partition for delivery in (*[await pending for pending in sent], *together)
            ]
        finally:
            await producer.close()

    partitions = list(range(12))
    expected = [DefaultPartitioner()(key, partitions, partitions) for key in keys]
    assert asyncio.run(scene()) == expected
    assert len(set(expected)) == 12
