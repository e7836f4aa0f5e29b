"""Reads from broker and database what the checks judge, and changes nothing."""

import time
from collections.abc import Container, Iterable

from confluent_kafka.admin import AdminClient, OffsetSpec
from sqlalchemy import Connection, text

from infra.cli.doctor.postgres_checks import Connections
from infra.kafka.offsets import LogOffsets, list_offsets
from infra.kafka.reader import OffsetRange
from infra.kafka.registry import codec
from infra.operations.event_query.query import FoundEvent, Query
from infra.operations.event_query.reader import EventReader
from infra.postgres.engine import server_time
from infra.settings import Settings
from schemas.time.ahead import MAX_AHEAD
from schemas.topics import TopicPartition

SECONDS = 10.0
NEWEST_RECORDS = 1_000


def existing(client: AdminClient, topics: Iterable[str]) -> list[str]:
    """Those of these topics that exist."""
    metadata = client.list_topics(timeout=SECONDS).topics
    return [name for name in topics if name in metadata]


def newest_ahead(client: AdminClient, partitions: Iterable[TopicPartition]) -> float:
    """By how many seconds the newest record's timestamp is ahead of this machine's clock."""
    answers = list_offsets(client, partitions, OffsetSpec.max_timestamp(), SECONDS)
    newest = max((answer.timestamp for answer in answers.values()), default=0)
    return newest / 1000 - time.time()


def events_ahead(
    settings: Settings, partitions: Iterable[TopicPartition], whole: Container[TopicPartition]
) -> list[FoundEvent]:
    """Events dated over 5 minutes ahead of this machine's clock.

    The whole of some partitions is read, and the newest records of the others.
    """
    reader, limit = EventReader(settings, codec(settings)), time_limit()
    ranges = {
        partition: OffsetRange(bound.first, bound.end)
        for partition, bound in LogOffsets(settings).bounds(partitions).items()
    }
    ranges = {
        partition: offsets if partition in whole else offsets.tail(NEWEST_RECORDS)
        for partition, offsets in ranges.items()
    }
    dated_ahead = reader.events(Query(since=limit), ranges)
    return [each for each in dated_ahead if each.event]


def time_limit() -> int:
    """The time after which an event is dated ahead, in microseconds since 1970."""
    return time.time_ns() // 1000 + MAX_AHEAD


def server_version(connection: Connection) -> int:
    """`server_version_num`."""
    return int(connection.scalar(text("show server_version_num")) or 0)


def revision(connection: Connection) -> str | None:
    """The revision of the permanent schema; None where there is no such schema."""
    if connection.scalar(text("select to_regclass('verdicts.revision')")) is None:
        return None
    number: str | None = connection.scalar(text("select version_num from verdicts.revision"))
    return number


def durability(connection: Connection) -> dict[str, str]:
    """The settings that decide whether a commit outlives a power cut."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    return {name: str(connection.scalar(text(f"show {name}"))) for name in names}


def clock_ahead(connection: Connection) -> float:
    """By how many seconds the database's clock is ahead of ours at the middle of the round trip."""
    before = time.time()
    database_time = server_time(connection)
    return database_time - (before + time.time()) / 2


def connections(connection: Connection) -> Connections:
    """Open connections and their limit."""
    used = connection.scalar(
        text("select count(*) from pg_stat_activity where datname is not null")
    )
    return Connections(int(used or 0), int(connection.scalar(text("show max_connections")) or 0))


def valid_tokens(connection: Connection) -> dict[str, int]:
    """How many tokens are valid, by role."""
    query = "select role, count(*) from verdicts.tokens where revoked is null group by role"
    return {row[0]: row[1] for row in connection.execute(text(query))}
