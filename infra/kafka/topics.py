"""Brings the topics of a catalogue into being, and tells where those that exist differ from it.

What exists is never changed: more partitions would move keys, and another retention could delete
what is the truth. A person decides that, so differences are told and nothing more.
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

MOST_REPLICAS = 3
PATIENCE_SECONDS = 30.0


class TopicSpec(Protocol):
    """What the catalogue says of a topic."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def partitions(self) -> int: ...  # noqa: D102
    @property
    def config(self) -> Mapping[str, str]: ...  # noqa: D102


class TopicChanges(msgspec.Struct, frozen=True):
    """What `apply` did: topics created, topics found, and one sentence per difference."""

    created: list[str]
    found: list[str]
    differences: list[str]


class TopicsError(VerdictsError):
    """The topics cannot be had; the message is one sentence that says why."""


def apply(settings: Settings, catalogue: Iterable[TopicSpec]) -> TopicChanges:
    """Create what is missing and compare what is there. Safe to run from several places at once.

    Raises:
        TopicsError: When no broker answers, or it refuses to create a topic.
    """
    client, wanted = create_admin(settings), list(catalogue)
    try:
        metadata = client.list_topics(timeout=PATIENCE_SECONDS)
        missing = [topic for topic in wanted if topic.name not in metadata.topics]
        created = _create(client, missing, replicas=min(MOST_REPLICAS, len(metadata.brokers)))
        _ends(client, [topic.name for topic in missing])
        found = [topic for topic in wanted if topic not in missing]
        told = [*_partitions(found, metadata.topics), *_configs(client, found)]
    except KafkaException as error:
        raise TopicsError(f"Kafka at {settings.kafka} refused: {error.args[0].str()}.") from error
    return TopicChanges(created, [topic.name for topic in found], told)


def differences(settings: Settings, catalogue: Iterable[TopicSpec]) -> list[str]:
    """Say where topics that exist differ from the catalogue, a sentence each.

    Raises:
        KafkaException: no broker answers.
    """
    client = create_admin(settings)
    there = client.list_topics(timeout=PATIENCE_SECONDS).topics
    found = [topic for topic in catalogue if topic.name in there]
    return [*_partitions(found, there), *_configs(client, found)]


def is_empty(settings: Settings, names: Iterable[str]) -> bool:
    """Whether no record stands on any of these topics."""
    return all(end == 0 for end in _ends(create_admin(settings), names))


def _ends(client: AdminClient, names: Iterable[str]) -> list[int]:
    """The end offset of each partition, once it can be told: a new one has no leader at first."""
    wanted, deadline = list(names), time.monotonic() + PATIENCE_SECONDS
    while wanted:
        try:
            topics = client.list_topics(timeout=PATIENCE_SECONDS).topics
            places = [(name, part) for name in wanted for part in topics[name].partitions]
            told = list_offsets(client, places, OffsetSpec.latest(), PATIENCE_SECONDS)
            return [it.offset for it in told.values()]
        except (KafkaException, KeyError) as error:
            if time.monotonic() > deadline:
                raise TopicsError("Kafka does not tell what stands on its topics.") from error
            time.sleep(0.05)
    return []


def _create(client: AdminClient, missing: list[TopicSpec], replicas: int) -> list[str]:
    if not missing:
        return []
    # With three replicas an acknowledged record must survive the loss of any one broker.
    safety = {"min.insync.replicas": "2"} if replicas == MOST_REPLICAS else {}
    asked = client.create_topics(
        [
            NewTopic(topic.name, topic.partitions, replicas, config={**topic.config, **safety})
            for topic in missing
        ]
    )
    created = []
    for name, answer in asked.items():
        try:
            answer.result(timeout=PATIENCE_SECONDS)
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # else: made meanwhile
                raise
    return created


def _partitions(found: list[TopicSpec], topics: Mapping[str, TopicMetadata]) -> list[str]:
    return [
        f"{topic.name} has {len(topics[topic.name].partitions)} partitions, not {topic.partitions}."
        for topic in found
        if len(topics[topic.name].partitions) != topic.partitions
    ]


def _configs(client: AdminClient, found: list[TopicSpec]) -> list[str]:
    if not found:
        return []
    asked = client.describe_configs([ConfigResource(ResourceType.TOPIC, t.name) for t in found])
    has = {it.name: answer.result(timeout=PATIENCE_SECONDS) for it, answer in asked.items()}
    return [
        f"{topic.name} has {key}={has[topic.name][key].value}, not {value}."
        for topic in found
        for key, value in sorted(topic.config.items())
        if not _same(has[topic.name][key].value, value)
    ]


def _same(one: str | None, other: str) -> bool:
    """Kafka writes `0.10` as `0.1`, so numbers compare as numbers."""
    try:
        return float(one or "") == float(other)
    except ValueError:
        return one == other
