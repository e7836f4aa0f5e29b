"""What a process reads of the pipeline for `/status`."""

import asyncio

import pytest

from infra.kafka.delivery import DeliveryUnknown
from infra.kafka.producer import KafkaProducer
from infra.postgres.engine import create_engine
from schemas.topics import VOTES
from streams.api.status.pipeline_status import evaluate
from streams.api.status.status_probe import StatusProbe
from tests.harness.kafka import at_kafka
from tests.harness.ports import free_port


@pytest.mark.integration
def test_a_producer_that_hears_nothing_is_a_reason(
    cluster: dict[str, str], projected_url: str
) -> None:
    engine = create_engine(projected_url, name="verdicts tests")
    nowhere = at_kafka({"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"})
    expected = "The broker did not acknowledge the last record that was sent."

    async def scene() -> list[bool]:
        producer = KafkaProducer(nowhere, delivery_seconds=0.3)
        probe = StatusProbe(engine, at_kafka(cluster), producer)
        before = evaluate(await probe.observe()).reasons
        with pytest.raises(DeliveryUnknown):
            await producer.send(VOTES.name, b"v", b"x")
        await producer.close(0)
        after = evaluate(await StatusProbe(engine, at_kafka(cluster), producer).observe()).reasons
        return [expected in reasons for reasons in (before, after)]

    try:
        assert asyncio.run(scene()) == [False, True]
    finally:
        engine.dispose()
