"""What the broker says of its log: which topic it is, where it begins and where it ends."""

from collections.abc import Iterable, Mapping

import msgspec
from confluent_kafka import (
    OFFSET_INVALID,
    KafkaError,
    KafkaException,
    TopicCollection,
)
from confluent_kafka import (
    TopicPartition as KafkaPartition,
)
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec

from infra.kafka.client import FEW_RECORDS, create_admin, create_consumer
from infra.settings import Settings
from schemas.topics import TopicPartition

SECONDS = 10.0
_OUTDATED = {
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError._NOENT,
}


class Bounds(msgspec.Struct, frozen=True):
    """A partition's extent: offsets from `first` up to, not including, `end`."""

    topic_id: str
    first: int
    end: int


class LogOffsets:
    """Asks the broker; every method blocks.

    Args:
        settings: Where the brokers are.
        seconds: How long each question may take.

    Raises:
        confluent_kafka.KafkaException: the broker does not answer, or does not know the topic.
    """

    def __init__(self, settings: Settings, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._settings = settings
        self._admin = create_admin(settings)
        self._met = False

    def check(self) -> None:
        """Return when a broker has answered."""
        self.cluster()

    def bounds(self, places: Iterable[TopicPartition]) -> Mapping[TopicPartition, Bounds]:
        """Identity, beginning and end of each partition."""
        wanted = sorted(set(places))
        ids = self.topic_ids({topic for topic, _ in wanted})
        first = self._offsets(wanted, OffsetSpec.earliest())
        end = self._offsets(wanted, OffsetSpec.latest())
        return {place: Bounds(ids[place[0]], first[place], end[place]) for place in wanted}

    def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """The id that each topic got when it was made: another topic of that name has another."""
        found = self._admin.describe_topics(
            TopicCollection(sorted(topics)), request_timeout=self._seconds
        )
        return {name: str(future.result().topic_id) for name, future in found.items()}

    def cluster(self) -> str:
        """The id that the cluster got when it was made."""
        told = self._admin.describe_cluster(request_timeout=self._seconds).result()
        self._met = True
        return str(told.cluster_id)

    def ends(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Where each partition ends: the offset that its next record will get."""
        return self._offsets(places, OffsetSpec.latest())

    def partitions_of(self, topics: Iterable[str]) -> list[TopicPartition]:
        """Every partition that these topics have now, in order."""
        found = self._admin.describe_topics(
            TopicCollection(sorted(topics)), request_timeout=self._seconds
        )
        return [
            (name, partition.id)
            for name, future in sorted(found.items())
            for partition in sorted(future.result().partitions, key=lambda it: it.id)
        ]

    def offset_at(self, places: Iterable[TopicPartition], moment: int) -> dict[TopicPartition, int]:
        """Where the first record stands that was written at `moment` (milliseconds) or later.

        Where there is none, that is the end.
        """
        wanted = list(places)
        found = self._offsets(wanted, OffsetSpec.for_timestamp(moment))
        ends = self.ends(wanted)
        return {place: at if at >= 0 else ends[place] for place, at in found.items()}

    def has_records(self, place: TopicPartition, begin: int, end: int) -> bool:
        """Whether there is any committed record from offset `begin` up to, not including, `end`.

        A log that begins after `begin` or ends before it has lost what it held there, which is not
        the same as nothing: then the answer is yes. Reads with a consumer of its own, so nothing
        that was fetched before can mislead it.
        """
        consumer = create_consumer(
            self._settings,
            {**FEW_RECORDS, "enable.partition.eof": True},  # the end of the partition is an answer
        )
        try:
            consumer.assign([KafkaPartition(*place, begin)])
            message = consumer.poll(self._seconds)
            if message is None:
                raise TimeoutError(f"{place[0]}/{place[1]} could not be read at offset {begin}")
            if error := message.error():
                if error.code() == KafkaError._AUTO_OFFSET_RESET:
                    return True
                if error.code() == KafkaError._PARTITION_EOF:
                    return False
                raise KafkaException(error)
            return int(message.offset() or 0) < end
        finally:
            consumer.close()

    def _offsets(
        self, places: Iterable[TopicPartition], at: OffsetSpec
    ) -> dict[TopicPartition, int]:
        wanted = list(places)
        try:
            return self._ask(wanted, at)
        except KafkaException as error:
            # The client keeps asking with the leader epoch that it once learned, which a leader
            # of a later epoch refuses for ever. A look at all topics teaches it the present one.
            if error.args[0].code() not in _OUTDATED:
                raise
            self._admin.list_topics(timeout=self._seconds)
            return self._ask(wanted, at)

    def _ask(self, places: list[TopicPartition], at: OffsetSpec) -> dict[TopicPartition, int]:
        if not self._met:  # a client that has met no broker yet can take three seconds over leaders
            self.check()
        told = list_offsets(self._admin, places, at, self._seconds)
        return {place: it.offset for place, it in told.items()}


def list_offsets(
    client: AdminClient, places: Iterable[TopicPartition], at: OffsetSpec, seconds: float
) -> dict[TopicPartition, ListOffsetsResultInfo]:
    """Ask the leader of each partition for an offset, and for the date of what stands there.

    Where a leader is silent, or its connection breaks, the library reports no error: it gives an
    offset that is none. Taken for one, it would be a log that has lost everything.

    Raises:
        confluent_kafka.KafkaException: not every leader has answered.
    """
    asked = client.list_offsets(
        {KafkaPartition(*place): at for place in places}, request_timeout=seconds
    )
    told = {(it.topic, it.partition): answer.result() for it, answer in asked.items()}
    silent = [f"{topic}/{partition}" for (topic, partition), it in told.items()
              if it.offset == OFFSET_INVALID]  # fmt: skip
    if silent:
        reason = f"the leader of {silent[0]} did not answer"
        raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE, reason))
    return told
