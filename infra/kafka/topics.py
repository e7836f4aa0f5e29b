"""Creates the topics of a catalogue, and reports where existing ones differ from it.

An existing topic is never changed: more partitions would move keys, and another retention could
delete events. An operator decides on differences.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
    TopicMetadata,
)

from infra.errors import VerdictsError
from infra.kafka.client import create_admin
from infra.kafka.offsets import list_offsets
from infra.settings import Settings

MAX_REPLICAS = 3
SECONDS = 30.0


class TopicSpec(Protocol):
    """What the catalogue says of a topic."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def partitions(self) -> int: ...  # noqa: D102
    @property
    def config(self) -> Mapping[str, str]: ...  # noqa: D102


class TopicChanges(msgspec.Struct, frozen=True):
    """Names of topics that `apply` created or found, and one sentence per difference."""

    created: list[str]
    found: list[str]
    differences: list[str]


class TopicsError(VerdictsError):
    """The topics cannot be created or read; the message is one sentence that says why."""


def apply(settings: Settings, catalogue: Iterable[TopicSpec]) -> TopicChanges:
    """Create missing topics and compare existing ones; processes may do so at the same time.

    Raises:
        TopicsError: no broker answers, or it refuses to create a topic.
    """
    client, wanted = create_admin(settings), list(catalogue)
    try:
        metadata = client.list_topics(timeout=SECONDS)
        missing = [topic for topic in wanted if topic.name not in metadata.topics]
        created = _create(client, missing, replicas=min(MAX_REPLICAS, len(metadata.brokers)))
        _await_ends(client, [topic.name for topic in missing])
        existing = [topic for topic in wanted if topic not in missing]
        reported = [
            *_partition_differences(existing, metadata.topics),
            *_config_differences(client, existing),
        ]
    except KafkaException as error:
        raise TopicsError(f"Kafka at {settings.kafka} refused: {error.args[0].str()}.") from error
    return TopicChanges(created, [topic.name for topic in existing], reported)


def differences(settings: Settings, catalogue: Iterable[TopicSpec]) -> list[str]:
    """Report where existing topics differ from the catalogue, in one sentence each.

    Raises:
        KafkaException: no broker answers.
    """
    client = create_admin(settings)
    metadata = client.list_topics(timeout=SECONDS).topics
    existing = [topic for topic in catalogue if topic.name in metadata]
    return [*_partition_differences(existing, metadata), *_config_differences(client, existing)]


def is_empty(settings: Settings, names: Iterable[str]) -> bool:
    """Whether no record was ever written to any of these topics."""
    return all(end == 0 for end in _await_ends(create_admin(settings), names))


def _await_ends(client: AdminClient, names: Iterable[str]) -> list[int]:
    """The end offset of each partition, once all have a leader: new ones have none at first."""
    wanted, deadline = list(names), time.monotonic() + SECONDS
    while wanted:
        try:
            topics = client.list_topics(timeout=SECONDS).topics
            partitions = [(name, number) for name in wanted for number in topics[name].partitions]
            ends = list_offsets(client, partitions, OffsetSpec.latest(), SECONDS)
            return [end.offset for end in ends.values()]
        except (KafkaException, KeyError) as error:
            if time.monotonic() > deadline:
                raise TopicsError("Kafka does not say where its topics end.") from error
            time.sleep(0.05)
    return []


def _create(client: AdminClient, missing: list[TopicSpec], replicas: int) -> list[str]:
    if not missing:
        return []
    # With three replicas an acknowledged record must survive the loss of any one broker.
    safety = {"min.insync.replicas": "2"} if replicas == MAX_REPLICAS else {}
    futures = client.create_topics(
        [
            NewTopic(topic.name, topic.partitions, replicas, config={**topic.config, **safety})
            for topic in missing
        ]
    )
    created = []
    for name, future in futures.items():
        try:
            future.result(timeout=SECONDS)
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was first
                raise
    return created


def _partition_differences(
    topics: list[TopicSpec], metadata: Mapping[str, TopicMetadata]
) -> list[str]:
    return [
        f"{topic.name} has {count} partitions, not {topic.partitions}."
        for topic in topics
        if (count := len(metadata[topic.name].partitions)) != topic.partitions
    ]


def _config_differences(client: AdminClient, topics: list[TopicSpec]) -> list[str]:
    if not topics:
        return []
    resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics]
    futures = client.describe_configs(resources)
    configs = {topic.name: future.result(timeout=SECONDS) for topic, future in futures.items()}
    return [
        f"{topic.name} has {key}={configs[topic.name][key].value}, not {value}."
        for topic in topics
        for key, value in sorted(topic.config.items())
        if not _equal(configs[topic.name][key].value, value)
    ]


def _equal(actual: str | None, expected: str) -> bool:
    """Compare numbers as numbers: Kafka writes `0.10` as `0.1`."""
    try:
        return float(actual or "") == float(expected)
    except ValueError:
        return actual == expected
