"""What a consumer, its store and its checkpoints tell each other; needs neither Faust nor Kafka."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from infra.errors import VerdictsError
from schemas.topics import TopicPartition


class Record(Protocol):
    """The fields of a fetched record that a partition consumer reads."""

    @property
    def offset(self) -> int:
        """Position within the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Time of writing, in milliseconds since 1970."""
        ...

    @property
    def key(self) -> bytes | None:
        """The producer's partitioning key."""
        ...


class Applied(NamedTuple):
    """Outcome of a commit: rows and checkpoint are written."""


class Mismatch(NamedTuple):
    """Outcome of a commit: the checkpoint was at `stored`, not where the batch begins."""

    stored: int


class Refused(NamedTuple):
    """Outcome of a commit: the database rejects the data of the batch, now and always."""

    error: Exception


Outcome = Applied | Mismatch | Refused
Settled = Applied | Mismatch
"""An outcome after which no record of the batch is left to be set aside."""


class CheckpointMismatch(Exception):  # noqa: N818 - an answer, not a fault
    """The checkpoint is not where a batch begins; `stored` is its offset. Ends the transaction."""

    def __init__(self, stored: int) -> None:
        super().__init__(f"the checkpoint is at {stored}")
        self.stored = stored


class LogMismatchError(VerdictsError):
    """The log and the stored offsets do not belong together; going on would lose or repeat."""


class Checkpoints(Protocol):
    """A consumer's offsets, stored in the transactions that apply its records.

    All methods block on the database, some on the broker. An offset is the next one to read.
    """

    def load(self, partitions: Iterable[TopicPartition], /) -> Mapping[TopicPartition, int]:
        """Look up the next offset of each partition; a new partition starts at 0.

        Raises:
            LogMismatchError: the log is not the one that was read so far.
        """
        ...

    def stored(self, partitions: Iterable[TopicPartition], /) -> Mapping[TopicPartition, int]:
        """Look up offsets alone, without asking the broker."""
        ...

    def has_records(self, partition: TopicPartition, begin: int, end: int, /) -> bool:
        """Whether the log holds any record from offset `begin` up to, not including, `end`."""
        ...

    def verify(self, partitions: Iterable[TopicPartition], /) -> None:
        """Check that the log is still the one that was read so far.

        Raises:
            LogMismatchError: a topic was made anew, or a checkpoint lies outside its log.
        """
        ...
