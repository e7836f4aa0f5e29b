"""Where the topics of voters end now: all that was acknowledged before is below that."""

from collections.abc import Mapping
from typing import Protocol

from confluent_kafka import KafkaException

from infra.kafka.offsets import LogOffsets
from infra.runtime.blocking_pool import BlockingPool
from infra.settings import Settings
from schemas.topics import BOOKMARKS, EVENT_PARTITIONS, VOTES, TopicPartition
from streams.api.http.problems import unavailable

ASK_SECONDS = 5.0
_PARTITIONS = [
    partition for partition in EVENT_PARTITIONS if partition[0] in (VOTES.name, BOOKMARKS.name)
]


class VoterLogEnds(Protocol):
    """Asks for the ends of the topics of votes and bookmarks."""

    async def read(self) -> Mapping[TopicPartition, int]:
        """The offset that the next record of each partition will get.

        Raises:
            Problem: 503, the broker does not answer.
        """
        ...


class KafkaLogEnds:
    """Asks the broker, on a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = BlockingPool(1, "log ends", ASK_SECONDS)
        self._offsets: LogOffsets | None = None

    async def read(self) -> Mapping[TopicPartition, int]:
        """The ends; see `VoterLogEnds`."""
        try:
            return await self._pool.run(self._read)
        except KafkaException as error:
            raise unavailable(f"The log does not answer: {error}.") from None

    def _read(self) -> Mapping[TopicPartition, int]:
        if self._offsets is None:
            self._offsets = LogOffsets(self._settings, ASK_SECONDS)
        return self._offsets.ends(_PARTITIONS)


class FakeLogEnds:
    """Ends without a broker.

    Attributes:
        ends: Those of partitions that are not empty.
    """

    def __init__(self) -> None:
        self.ends: dict[TopicPartition, int] = {}

    async def read(self) -> Mapping[TopicPartition, int]:
        """The ends that were set."""
        return self.ends
