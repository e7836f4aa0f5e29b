"""Reading the changes topic, whatever its records hold."""

import asyncio
from collections.abc import Callable

import pytest

from infra.kafka.client import create_producer
from infra.kafka.codec import HEADER, MAGIC, Codec
from infra.kafka.registry import RegistryError
from infra.settings import Settings
from schemas.records import Tool
from schemas.topics import CHANGES
from streams.api.live.changes_consumer import ChangedTools, ChangesConsumer
from tests.harness.kafka import at_kafka

pytestmark = pytest.mark.integration
OF_A_REGISTRY = HEADER.pack(MAGIC, 17) + b"\0"


def without_registry(_: int) -> None:
    raise RegistryError("The schema registry does not answer.")


def test_an_unreadable_record_does_not_block_later_ones(
    cluster: dict[str, str], unique: Callable[[str], str], a_tool: Callable[..., Tool]
) -> None:
    settings = Settings.from_environment(cluster)
    tool = a_tool(unique("tool"))
    broken = {unique("tool"): value for value in (OF_A_REGISTRY, b"", b"garbage", None)}

    async def scenario() -> ChangedTools:
        received: ChangedTools = {}
        started, complete = asyncio.Event(), asyncio.Event()

        def on_changes(group: ChangedTools) -> None:
            received.update({slug: record for slug, record in group.items() if slug in wanted})
            if len(received) == len(wanted):
                complete.set()

        wanted = {*broken, tool.tool}
        consumer = ChangesConsumer(settings, Codec(fetch=without_registry), on_changes, started.set)
        async with asyncio.timeout(30):
            await started.wait()
            for slug, value in broken.items():
                publish(cluster, slug, value)
            publish(cluster, tool.tool, Codec().encode_record(tool))
            await complete.wait()
        await consumer.close()
        return received

    assert asyncio.run(scenario()) == {**dict.fromkeys(broken), tool.tool: tool}


def publish(cluster: dict[str, str], slug: str, value: bytes | None) -> None:
    producer = create_producer(at_kafka(cluster))
    producer.produce(CHANGES.name, value, f"tool:{slug}")
    assert producer.flush(10) == 0
