"""The state of the pipeline: processes, queues, generations, checkpoints and lag.

`/status`, the gauges and `verdicts doctor` present this state. Each function reads one part from
PostgreSQL, `read` all of them; `streams.api.status.pipeline_reader` adds what the log says.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from infra.kafka.offsets import Bounds
from infra.kafka.transactions.open_transactions import OpenTransaction
from projections.generations import Generations, read_generations
from projections.read.checkpoints import Checkpoint, read_checkpoints
from schemas.topics import TopicPartition

_HEARTBEATS = text(
    "select service, instance, extract(epoch from clock_timestamp() - beat)::float8 as age, detail"
    " from verdicts.heartbeats order by service, instance"
)
_QUEUES = text(
    "select name, length,"
    " coalesce(extract(epoch from clock_timestamp() - oldest), 0)::float8 as age from ("
    " select 'outbox' as name, count(*) as length, min(at) as oldest from verdicts.outbox"
    " union all select 'pages', count(*), min(at) from verdicts.dirty where not backfill"
    " union all select 'backfill', count(*), min(at) from verdicts.dirty where backfill"
    ") as queues"
)
_RESOLVED = text(
    "select count(*) from verdicts.settled_letters"
    " where topic_id = :topic_id and letter >= :first and letter < :end"
)


class Heartbeat(msgspec.Struct, frozen=True):
    """A process: the seconds since its last heartbeat, and what it says of itself."""

    service: str
    instance: str
    age: float
    detail: dict[str, Any] = {}


class Queue(msgspec.Struct, frozen=True):
    """Rows that wait for relay (`outbox`) or publisher (`pages`, and behind these `backfill`).

    The age is the oldest one's in seconds; an empty queue has age 0.
    """

    name: str
    length: int
    age: float


class Lag(msgspec.Struct, frozen=True):
    """What a generation has not applied of a partition.

    Attributes:
        records: Offsets from the checkpoint up to the end.
        seconds: Age of the oldest record there; None where it could not be read in time.
    """

    records: int
    seconds: float | None


Lags = Mapping[tuple[str, TopicPartition], Lag]


class PipelineState(msgspec.Struct, frozen=True, kw_only=True):
    """The pipeline at one time, as far as it was read.

    Attributes:
        generations: Names of the projections' generations.
        heartbeats: Of every process within a day, also of dead ones.
        queues: What waits for relay and publisher.
        checkpoints: Of every generation.
        lags: By generation and partition.
        open_transactions: The oldest of each partition that has one.
        unwritable: Partitions with too few in-sync replicas to acknowledge a record.
        delivery_fault: Why the API's producer expects no acknowledgement; else empty.
        waiting_dead_letters: Dead letters that were neither replayed nor discarded.
        failures: Why parts could not be read, in one sentence each.
    """

    generations: Generations
    heartbeats: tuple[Heartbeat, ...]
    queues: tuple[Queue, ...]
    checkpoints: tuple[Checkpoint, ...]
    lags: Lags = {}
    open_transactions: tuple[OpenTransaction, ...] = ()
    unwritable: tuple[TopicPartition, ...] = ()
    delivery_fault: str = ""
    waiting_dead_letters: int | None = None
    failures: tuple[str, ...] = ()

    def age_of(self, queue: str) -> float:
        """The age of the oldest row of a queue in seconds; 0 where nothing waits."""
        return max((row.age for row in self.queues if row.name == queue), default=0.0)


UNREAD = PipelineState(
    generations=Generations(None, (), ()), heartbeats=(), queues=(), checkpoints=()
)


def heartbeats(connection: Connection) -> tuple[Heartbeat, ...]:
    """Read every process's last heartbeat."""
    return tuple(Heartbeat(*row) for row in connection.execute(_HEARTBEATS))


def queues(connection: Connection) -> tuple[Queue, ...]:
    """Read length and age of each queue."""
    return tuple(Queue(*row) for row in connection.execute(_QUEUES))


def waiting_dead_letters(connection: Connection, bounds: Bounds) -> int:
    """Count dead letters that were neither replayed nor discarded, within their topic's bounds."""
    resolved = int(connection.scalar(_RESOLVED, msgspec.structs.asdict(bounds)) or 0)
    return max(0, bounds.end - bounds.first - resolved)


def read(connection: Connection, *, live_only: bool = False) -> PipelineState:
    """Read every part that PostgreSQL holds.

    Args:
        connection: To the database.
        live_only: Leave out checkpoints of other generations, which may be dropped meanwhile.
    """
    names = read_generations(connection)
    read_names = [name for name in names.readable if name == names.live or not live_only]
    return PipelineState(
        generations=names,
        heartbeats=heartbeats(connection),
        queues=queues(connection),
        checkpoints=read_checkpoints(connection, read_names),
    )
