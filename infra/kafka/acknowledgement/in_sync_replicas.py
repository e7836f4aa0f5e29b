"""Whether enough replicas of each partition are in sync for the cluster to acknowledge a record."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future

import msgspec
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigEntry, ConfigResource, ResourceType

from infra.kafka.client import ask, create_admin
from infra.settings import Settings
from schemas.topics import TopicPartition

SECONDS = 10.0
_FORBIDDEN = {
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
}
CONFIGURED_SECONDS = 3.0
"""How long `min.insync.replicas` is remembered; operators seldom change it."""


class PartitionState(msgspec.Struct, frozen=True):
    """A partition's replicas, how many of them are in sync, and whether one leads."""

    topic: str
    partition: int
    replicas: int
    in_sync: int
    leader: bool

    @property
    def name(self) -> str:
        """Topic and partition in one word."""
        return f"{self.topic}/{self.partition}"


class InSyncReplicas:
    """Finds partitions that acknowledge nothing now; every method blocks.

    Args:
        settings: The brokers.
        seconds: How long each question may take.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        settings: Settings,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._admin = create_admin(settings)
        self._seconds = seconds
        self._clock = clock
        self._connected = False
        self._least: Mapping[str, int] = {}
        self._read_again_at = float("-inf")

    def find_unwritable(self, topics: Iterable[str]) -> tuple[TopicPartition, ...]:
        """The partitions of these topics with too few replicas in sync.

        Raises:
            KafkaException: no broker answers.
        """
        names = sorted(topics)
        if not self._connected:
            # An unconnected client can take three seconds for its first question.
            self._admin.describe_cluster(request_timeout=self._seconds).result()
            self._connected = True
        if self._clock() >= self._read_again_at:
            self._least = ask(self._admin, lambda: least_in_sync(self._admin, names, self._seconds))
            self._read_again_at = self._clock() + CONFIGURED_SECONDS
        states = ask(self._admin, lambda: partition_states(self._admin, names, self._seconds))
        return tuple((each.topic, each.partition) for each in unwritable(states, self._least))


def unwritable(
    states: Iterable[PartitionState], least: Mapping[str, int]
) -> Sequence[PartitionState]:
    """Those of these partitions whose topic asks for more replicas in sync than there are.

    Brokers never ask for more replicas than the partition has.
    """
    return [state for state in states if state.in_sync < min(least[state.topic], state.replicas)]


def partition_states(
    client: AdminClient, topics: Iterable[str], seconds: float = SECONDS
) -> list[PartitionState]:
    """The state of every partition of these topics.

    Raises:
        KafkaException: no broker answers.
    """
    futures = client.describe_topics(TopicCollection(sorted(topics)), request_timeout=seconds)
    return [
        PartitionState(
            name,
            partition.id,
            len(partition.replicas),
            len(partition.isr),
            partition.leader is not None and partition.leader.id >= 0,
        )
        for name, future in sorted(futures.items())
        for partition in future.result().partitions
    ]


def least_in_sync(
    client: AdminClient, topics: Iterable[str], seconds: float = SECONDS
) -> dict[str, int]:
    """`min.insync.replicas` of each topic, which its records need for an acknowledgement.

    1, the default, where this client may not read a topic's configuration.

    Raises:
        KafkaException: no broker answers.
    """
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
    futures = client.describe_configs(resources, request_timeout=seconds)
    return {topic.name: _least(future) for topic, future in futures.items()}


def _least(configuration: "Future[dict[str, ConfigEntry]]") -> int:
    try:
        return int(configuration.result()["min.insync.replicas"].value or 1)
    except KafkaException as error:
        if error.args[0].code() not in _FORBIDDEN:
            raise
        return 1
