"""Fetches what the checks judge; everything here asks a server and changes nothing."""

import json
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import httpx
import msgspec
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec, ResourceType
from sqlalchemy import Connection, text

from infra.kafka.offsets import Bounds, list_offsets
from infra.kafka.registry import RegistryError
from infra.operations.doctor.kafka_checks import PartitionState
from infra.operations.doctor.postgres_checks import Checkpoint, Connections
from infra.postgres.engine import server_time
from schemas.avro.catalogue import NEWEST, VERSIONS, fingerprint
from schemas.topics import TopicPartition

SECONDS = 10.0

_SCHEMAS = "select nspname from pg_namespace where nspname like 'projections\\_%'"
_AGES = """
select 'outbox' as queue, min(at) as oldest from verdicts.outbox
union all select 'pages', min(at) from verdicts.dirty
"""
_READERS = "select topic, partition, topic_id, next_offset from {table}"
_SETTLED = text(
    "select count(*) from verdicts.settled_letters"
    " where topic_id = :topic_id and letter >= :first and letter < :end"
)


class Registered(msgspec.Struct):
    """What a registry tells of a schema that it knows, as far as it is asked for here."""

    version: int


class Unregistered(msgspec.Struct):
    """What a registry answers where it knows no such thing; other servers say that otherwise."""

    error_code: int


def existing(client: AdminClient, topics: Iterable[str]) -> list[str]:
    """Those of these topics that there are."""
    there = client.list_topics(timeout=SECONDS).topics
    return [name for name in topics if name in there]


def partition_states(client: AdminClient, topics: Iterable[str]) -> list[PartitionState]:
    """Every partition's copies."""
    found = client.describe_topics(TopicCollection(sorted(topics)), request_timeout=SECONDS)
    return [
        PartitionState(
            f"{name}/{partition.id}",
            len(partition.replicas),
            len(partition.isr),
            partition.leader is not None and partition.leader.id >= 0,
        )
        for name, future in sorted(found.items())
        for partition in future.result().partitions
    ]


def least_in_sync(client: AdminClient, topics: Iterable[str]) -> dict[str, int]:
    """`min.insync.replicas` of each topic."""
    asked = client.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in topics])
    return {
        it.name: int(answer.result(timeout=SECONDS)["min.insync.replicas"].value)
        for it, answer in asked.items()
    }


def newest_ahead(client: AdminClient, places: Iterable[TopicPartition]) -> float:
    """By how many seconds the newest record's date is ahead of this machine's clock."""
    told = list_offsets(client, places, OffsetSpec.max_timestamp(), SECONDS)
    return max((it.timestamp for it in told.values()), default=0) / 1000 - time.time()


def edited_schemas() -> list[str]:
    """Versions whose files are not those that were published."""
    return [version.stem for version in VERSIONS if fingerprint(version.schema()) != version.sha256]


def unregistered(url: str, transport: httpx.BaseTransport | None = None) -> list[str]:
    """Subjects whose newest version in the registry is not our newest.

    Raises:
        httpx.HTTPError: nobody answers there.
        RegistryError: what answers there is no registry, or refuses to tell.
    """
    with httpx.Client(base_url=url, timeout=SECONDS, transport=transport) as client:
        return [
            version.topic.subject
            for version in NEWEST.values()
            if not _is_newest(client, version.topic.subject, version.schema())
        ]


def _is_newest(client: httpx.Client, subject: str, schema: Any) -> bool:
    body = {"schema": json.dumps(schema), "schemaType": "AVRO"}
    ours = _registered(client.post(f"/subjects/{subject}", json=body))
    latest = _registered(client.get(f"/subjects/{subject}/versions/latest"))
    return ours is not None and ours == latest


def _registered(answer: httpx.Response) -> Registered | None:
    """What is registered, or None where nothing is."""
    unknown = answer.status_code == HTTPStatus.NOT_FOUND
    if not (answer.is_success or unknown):
        raise RegistryError(f"The schema registry answers with status {answer.status_code}.")
    try:
        told = msgspec.json.decode(answer.content, type=Unregistered if unknown else Registered)
    except msgspec.DecodeError as error:
        raise RegistryError(f"What answers is no schema registry ({error}).") from error
    return told if isinstance(told, Registered) else None


def server_version(connection: Connection) -> int:
    """`server_version_num`."""
    return int(connection.scalar(text("show server_version_num")) or 0)


def revision(connection: Connection) -> str | None:
    """The revision of the permanent schema; None where there is none."""
    if connection.scalar(text("select to_regclass('verdicts.revision')")) is None:
        return None
    found: str | None = connection.scalar(text("select version_num from verdicts.revision"))
    return found


def durability(connection: Connection) -> dict[str, str]:
    """What decides whether a commit outlives a power cut."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    return {name: str(connection.scalar(text(f"show {name}"))) for name in names}


def generations(connection: Connection) -> tuple[str | None, list[str], list[str]]:
    """The live generation, those that are listed, and the schemas that there are."""
    live: str | None = connection.scalar(text("select live from verdicts.generation"))
    listed = list(connection.scalars(text("select name from verdicts.generations")))
    return live, listed, list(connection.scalars(text(_SCHEMAS)))


def checkpoints(connection: Connection, generations: Iterable[str]) -> list[Checkpoint]:
    """Every stored offset of each generation."""
    tables = {name: f'"{name}".checkpoints' for name in generations}
    return [
        Checkpoint(reader, (row.topic, row.partition), row.topic_id, row.next_offset)
        for reader, table in tables.items()
        for row in connection.execute(text(_READERS.format(table=table)))
    ]


def clock_ahead(connection: Connection) -> float:
    """By how many seconds the database's clock is ahead of ours, half the way there taken off."""
    began = time.time()
    theirs = server_time(connection)
    return theirs - (began + time.time()) / 2


def connections(connection: Connection) -> Connections:
    """Open connections, of how many."""
    used = connection.scalar(
        text("select count(*) from pg_stat_activity where datname is not null")
    )
    return Connections(int(used or 0), int(connection.scalar(text("show max_connections")) or 0))


def ages(connection: Connection) -> dict[str, float]:
    """Seconds that the oldest change has waited in each queue."""
    query = f"select queue, extract(epoch from clock_timestamp() - oldest) from ({_AGES}) as ages"  # noqa: S608
    rows: Mapping[str, Any] = {row[0]: row[1] for row in connection.execute(text(query))}
    return {queue: float(age or 0) for queue, age in rows.items()}


def fresh_services(connection: Connection) -> list[str]:
    """The kinds of processes that gave a sign of life within ten seconds."""
    query = "select distinct service from verdicts.heartbeats where beat > now() - interval '10 s'"
    return list(connection.scalars(text(query)))


def waiting_letters(connection: Connection, bounds: Bounds) -> int:
    """How many dead letters were neither replayed nor discarded; `bounds` are their partition's."""
    settled = int(connection.scalar(_SETTLED, msgspec.structs.asdict(bounds)) or 0)
    return max(0, bounds.end - bounds.first - settled)


def valid_tokens(connection: Connection) -> dict[str, int]:
    """How many tokens are valid, by role."""
    query = "select role, count(*) from verdicts.tokens where revoked is null group by role"
    return {row[0]: row[1] for row in connection.execute(text(query))}
