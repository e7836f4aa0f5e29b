"""Asks the broker for offsets: where partitions begin and end, and which offset had a time."""

from collections.abc import Iterable, Mapping

import msgspec
from confluent_kafka import (
    OFFSET_INVALID,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
)
from confluent_kafka import (
    TopicPartition as KafkaPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    ListOffsetsResultInfo,
    OffsetSpec,
    TopicDescription,
)

from infra.kafka.client import FEW_RECORDS, ask, create_admin, create_consumer
from infra.settings import Settings
from schemas.topics import TopicPartition

SECONDS = 10.0


class Bounds(msgspec.Struct, frozen=True):
    """A partition's extent: offsets from `first` up to, not including, `end`.

    Kafka gives each topic an id when it is created: a topic made anew under the same name has
    another `topic_id`.
    """

    topic_id: str
    first: int
    end: int


class LogOffsets:
    """Asks the broker; every method blocks.

    Args:
        settings: The brokers.
        seconds: How long each question may take.

    Raises:
        confluent_kafka.KafkaException: the broker does not answer, or does not know the topic.
    """

    def __init__(self, settings: Settings, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._settings = settings
        self._admin = create_admin(settings)
        self._connected = False

    def check(self) -> None:
        """Return when a broker has answered."""
        self.cluster_id()

    def cluster_id(self) -> str:
        """The id that the cluster got when it was created."""

        def question() -> str:
            cluster = self._admin.describe_cluster(request_timeout=self._seconds).result()
            return str(cluster.cluster_id)

        # A client that has met no broker has no metadata that could be outdated.
        cluster_id = ask(self._admin, question) if self._connected else question()
        self._connected = True
        return cluster_id

    def bounds(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, Bounds]:
        """Topic id, first offset and end of each partition."""
        wanted = sorted(set(partitions))
        ids = self.topic_ids({topic for topic, _ in wanted})
        first = self._offsets(wanted, OffsetSpec.earliest())
        end = self._offsets(wanted, OffsetSpec.latest())
        return {
            partition: Bounds(ids[partition[0]], first[partition], end[partition])
            for partition in wanted
        }

    def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """The id of each topic."""
        described = self._describe(topics)
        return {name: str(description.topic_id) for name, description in described.items()}

    def partitions_of(self, topics: Iterable[str]) -> list[TopicPartition]:
        """Every partition that these topics have now, in order."""
        return [
            (name, partition.id)
            for name, description in sorted(self._describe(topics).items())
            for partition in sorted(description.partitions, key=lambda partition: partition.id)
        ]

    def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The end of each partition: the offset that its next record will get."""
        return self._offsets(partitions, OffsetSpec.latest())

    def stable_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset up to which every transaction of each partition is committed or aborted."""
        return self._offsets(partitions, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED)

    def offset_at(
        self, partitions: Iterable[TopicPartition], milliseconds: int
    ) -> dict[TopicPartition, int]:
        """The first offset of each partition with a record of that time or later; else its end.

        Args:
            partitions: Those to ask for.
            milliseconds: Since 1970.
        """
        wanted = list(partitions)
        offsets = self._offsets(wanted, OffsetSpec.for_timestamp(milliseconds))
        ends = self.ends(wanted)
        return {
            partition: offset if offset >= 0 else ends[partition]
            for partition, offset in offsets.items()
        }

    def has_records(self, partition: TopicPartition, begin: int, end: int) -> bool:
        """Whether there is any committed record from offset `begin` up to, not including, `end`.

        A log that begins after `begin` or ends before it has lost records, which is not the same
        as none: then the answer is yes. A new consumer reads, so that nothing fetched before can
        mislead it.
        """
        consumer = create_consumer(
            self._settings,
            {**FEW_RECORDS, "enable.partition.eof": True},  # the end of the partition is an answer
        )
        try:
            consumer.assign([KafkaPartition(*partition, begin)])
            message = consumer.poll(self._seconds)
            if message is None:
                topic, number = partition
                raise TimeoutError(f"{topic}/{number} could not be read at offset {begin}")
            if error := message.error():
                if error.code() == KafkaError._AUTO_OFFSET_RESET:
                    return True
                if error.code() == KafkaError._PARTITION_EOF:
                    return False
                raise KafkaException(error)
            return int(message.offset() or 0) < end
        finally:
            consumer.close()

    def _describe(self, topics: Iterable[str]) -> dict[str, TopicDescription]:
        names = TopicCollection(sorted(topics))
        self._connect()

        def question() -> dict[str, TopicDescription]:
            futures = self._admin.describe_topics(names, request_timeout=self._seconds)
            return {name: future.result() for name, future in futures.items()}

        return ask(self._admin, question)

    def _connect(self) -> None:
        """Meet a broker first: an unconnected client can take three seconds to learn leaders."""
        if not self._connected:
            self.check()

    def _offsets(
        self,
        partitions: Iterable[TopicPartition],
        spec: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> dict[TopicPartition, int]:
        wanted = list(partitions)
        self._connect()
        answers = ask(
            self._admin,
            lambda: list_offsets(self._admin, wanted, spec, self._seconds, isolation),
        )
        return {partition: answer.offset for partition, answer in answers.items()}


def list_offsets(
    client: AdminClient,
    partitions: Iterable[TopicPartition],
    spec: OffsetSpec,
    seconds: float,
    isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
) -> dict[TopicPartition, ListOffsetsResultInfo]:
    """Ask the leader of each partition for an offset and its record's timestamp.

    Where a leader is silent, or its connection breaks, librdkafka reports no error but gives
    offset -1001. Taken for an offset, that would be a log that has lost everything.

    Raises:
        confluent_kafka.KafkaException: not every leader has answered.
    """
    futures = client.list_offsets(
        {KafkaPartition(*partition): spec for partition in partitions},
        request_timeout=seconds,
        isolation_level=isolation,
    )
    answers = {(key.topic, key.partition): future.result() for key, future in futures.items()}
    for (topic, number), answer in answers.items():
        if answer.offset == OFFSET_INVALID:
            reason = f"the leader of {topic}/{number} did not answer"
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE, reason))
    return answers
