"""Asks the cluster which producer holds a transaction open; librdkafka has no such request.

The requests are Kafka's own DescribeProducers and ListTransactions (KIP-664), over aiokafka's
connections. Each broker is asked, since any may lead a partition or coordinate a transaction.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from infra.kafka.client import ssl_context
from infra.settings import Settings
from schemas.topics import TopicPartition

SECONDS = 10.0
_TEXT, _TAGS = CompactString("utf-8"), ("tags", TaggedFields)


class TransactionProducer(msgspec.Struct, frozen=True):
    """A producer with an open transaction.

    Attributes:
        producer_id: The number that the coordinator gave it.
        epoch: Of this producer id.
        transactional_id: Its name; None where no coordinator knows it any more.
        coordinator: Address of the broker that coordinates it; None as above.
    """

    producer_id: int
    epoch: int
    transactional_id: str | None = None
    coordinator: str | None = None


class _DescribeProducersResponse(Response):  # type: ignore[misc]
    API_KEY = 61
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle", Int32),
        (
            "topics",
            CompactArray(
                ("name", _TEXT),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error_code", Int16),
                        ("error_message", _TEXT),
                        (
                            "producers",
                            CompactArray(
                                ("producer_id", Int64),
                                ("epoch", Int32),
                                ("last_sequence", Int32),
                                ("last_timestamp", Int64),
                                ("coordinator_epoch", Int32),
                                ("start", Int64),
                                _TAGS,
                            ),
                        ),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class _DescribeProducersStruct(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 61
    API_VERSION = 0
    RESPONSE_TYPE = _DescribeProducersResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("name", _TEXT), ("partitions", CompactArray(Int32)), _TAGS)),
        _TAGS,
    )


class _DescribeProducers(Request[_DescribeProducersStruct]):  # type: ignore[misc]
    API_KEY = 61

    def __init__(self, partitions: Iterable[TopicPartition]) -> None:
        self._topics: list[Any] = [(topic, [number], {}) for topic, number in partitions]

    def build(self, request_struct_class: type[_DescribeProducersStruct]) -> Any:
        return request_struct_class(self._topics, {})


class _ListTransactionsResponse(Response):  # type: ignore[misc]
    API_KEY = 66
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle", Int32),
        ("error_code", Int16),
        ("unknown_state_filters", CompactArray(_TEXT)),
        (
            "transactions",
            CompactArray(
                ("transactional_id", _TEXT), ("producer_id", Int64), ("state", _TEXT), _TAGS
            ),
        ),
        _TAGS,
    )


class _ListTransactionsStruct(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 66
    API_VERSION = 0
    RESPONSE_TYPE = _ListTransactionsResponse
    SCHEMA = Schema(("states", CompactArray(_TEXT)), ("producer_ids", CompactArray(Int64)), _TAGS)


class _ListTransactions(Request[_ListTransactionsStruct]):  # type: ignore[misc]
    API_KEY = 66

    def __init__(self, producer_ids: Iterable[int]) -> None:
        self._producer_ids = list(producer_ids)

    def build(self, request_struct_class: type[_ListTransactionsStruct]) -> Any:
        return request_struct_class([], self._producer_ids, {})


def find_producers(
    settings: Settings, offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, TransactionProducer]:
    """Find who opened the transactions that begin at these offsets, as far as brokers know.

    A broker that does not answer, or forbids the question, tells nothing.
    """
    try:
        return asyncio.run(asyncio.wait_for(_find(settings, offsets), SECONDS))
    except (KafkaError, TimeoutError, NotImplementedError):
        return {}


async def _find(
    settings: Settings, offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, TransactionProducer]:
    client = AIOKafkaClient(
        bootstrap_servers=settings.kafka.split(","), **_security(settings.kafka_security)
    )
    await client.bootstrap()
    try:
        producers: dict[TopicPartition, TransactionProducer] = {}
        for broker in client.cluster.brokers():
            producers |= await _on_leader(client, broker.nodeId, offsets)
        named = {producer.producer_id: producer for producer in producers.values()}
        for broker in client.cluster.brokers():
            response = await client.send(broker.nodeId, _ListTransactions(named))
            for transactional_id, producer_id, _, _ in response.transactions or ():
                named[producer_id] = msgspec.structs.replace(
                    named[producer_id],
                    transactional_id=transactional_id,
                    coordinator=f"{broker.host}:{broker.port}",
                )
        return {at: named[producer.producer_id] for at, producer in producers.items()}
    finally:
        await client.close()


async def _on_leader(
    client: AIOKafkaClient, node: int, offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, TransactionProducer]:
    """The producers of the partitions that this broker leads; for others it reports an error."""
    response = await client.send(node, _DescribeProducers(offsets))
    return {
        (topic, partition): TransactionProducer(producer_id, epoch)
        for topic, partitions, _ in response.topics
        for partition, _, _, producers, _ in partitions
        for producer_id, epoch, _, _, _, start, _ in producers or ()
        if start == offsets.get((topic, partition))
    }


def _security(security: Mapping[str, str]) -> dict[str, Any]:
    """Translate librdkafka's properties into aiokafka's arguments."""
    protocol = security.get("security.protocol", "PLAINTEXT").upper()
    return {
        "security_protocol": protocol,
        "ssl_context": ssl_context(security) if protocol.endswith("SSL") else None,
        "sasl_mechanism": security.get("sasl.mechanism", security.get("sasl.mechanisms", "PLAIN")),
        "sasl_plain_username": security.get("sasl.username"),
        "sasl_plain_password": security.get("sasl.password"),
    }
