"""All checks of an installation, in the order in which an operator would make them.

Each check runs on its own: one that cannot be made is a finding, and the others follow.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from confluent_kafka.admin import AdminClient
from sqlalchemy import Connection, Engine

from infra.cli.doctor import (
    host_checks,
    kafka_checks,
    pipeline_checks,
    postgres_checks,
    probes,
    schema_checks,
)
from infra.cli.doctor.finding import Finding, Findings, guarded
from infra.cli.doctor.mail import checks as mail_checks
from infra.cli.doctor.mail import dns_checks, relay_checks
from infra.cli.doctor.mail import probes as mail_probes
from infra.cli.doctor.mail.dns_records import DnsRecords
from infra.kafka import topics
from infra.kafka.acknowledgement.in_sync_replicas import least_in_sync, partition_states
from infra.kafka.client import create_admin
from infra.kafka.offsets import LogOffsets
from infra.kafka.transactions.open_transactions import find_open_transactions
from infra.kafka.transactions.producers import find_producers
from infra.migrations import LEAST_VERSION, newest_revision
from infra.postgres.engine import create_engine
from infra.settings import Settings
from projections import pipeline_state
from projections.event_references import list_dangling
from projections.generations import read_generations
from projections.private.hourly_counts import read_counts
from projections.read.checkpoints import read_checkpoints, read_latest_times
from schemas.topics import DEAD_LETTERS, DEAD_LETTERS_PARTITION, EVENT_TOPICS, TOPICS

NAMES = [topic.name for topic in TOPICS]
EVENTS = [topic.name for topic in EVENT_TOPICS]
Query = Callable[[Connection], Findings]
Check = tuple[str, Query]
T = TypeVar("T")


def _judge(judge: Callable[[T], Findings], read: Callable[[Connection], T]) -> Query:
    return lambda connection: judge(read(connection))


_SERVER: tuple[Check, ...] = (
    ("durability", _judge(postgres_checks.durability, probes.durability)),
    ("clock", _judge(postgres_checks.clock, probes.clock_ahead)),
    ("connections", _judge(postgres_checks.connections, probes.connections)),
)
_TABLES: tuple[Check, ...] = (
    ("generation", _judge(pipeline_checks.generation, read_generations)),
    ("services", _judge(pipeline_checks.services, pipeline_state.heartbeats)),
    ("changes", _judge(pipeline_checks.waiting, pipeline_state.queues)),
    ("references", _judge(pipeline_checks.dangling, list_dangling)),
    ("tokens", _judge(postgres_checks.tokens, probes.valid_tokens)),
)


def examine(settings: Settings, *, embedded: bool, homes: Iterable[Path] = ()) -> Iterator[Finding]:
    """Make every check; one that cannot be made is a finding of its own.

    Args:
        settings: With the addresses of broker and database.
        embedded: Whether these are our own servers on this machine.
        homes: Folders of servers on this machine outside the data folder.
    """
    yield from of_machine(settings, embedded=embedded, homes=homes)
    client = create_admin(settings)
    reachable = list(guarded("broker", lambda: _brokers(client, embedded=embedded)))
    yield from reachable
    broker_answers = all(finding.verdict != "fail" for finding in reachable)
    if broker_answers:
        yield from _of_broker(settings, client, embedded=embedded)
    yield from guarded("schemas", lambda: _schemas(settings))
    yield from guarded(dns_checks.CHECK, lambda: dns_checks.dns(settings.mail, DnsRecords()))
    yield from guarded(relay_checks.CHECK, lambda: relay_checks.relay(settings.mail))
    compared = _compared(settings, client) if broker_answers else ()
    yield from guarded("database", lambda: _of_database(settings, compared))


def of_machine(
    settings: Settings, *, embedded: bool, homes: Iterable[Path] = ()
) -> Iterator[Finding]:
    """Checks that need no server."""
    yield from guarded(
        "disk", lambda: map(host_checks.disk, host_checks.disks([settings.data, *homes]))
    )
    yield from guarded(
        "permissions", lambda: host_checks.permissions(host_checks.modes(settings.data))
    )
    yield host_checks.keys(
        secret_keys=settings.secret_keys, voter_key=settings.voter_key, external=not embedded
    )
    keys = {key for key in (*settings.secret_keys, settings.voter_key) if key}
    yield from guarded(
        "environments", lambda: host_checks.foreign_environments(host_checks.key_holders(keys))
    )


def _brokers(client: AdminClient, *, embedded: bool) -> Finding:
    return kafka_checks.brokers(len(client.list_topics(timeout=5).brokers), embedded=embedded)


def _of_broker(settings: Settings, client: AdminClient, *, embedded: bool) -> Iterator[Finding]:
    yield from guarded("topics", lambda: _topics(settings, client))
    yield from guarded("replication", lambda: _replication(client, embedded=embedded))
    yield from guarded("acknowledgement", lambda: _acknowledgement(client))
    yield from guarded("transactions", lambda: _transactions(settings, client))
    yield from guarded("producers' clocks", lambda: _producers_clocks(settings, client))


def _topics(settings: Settings, client: AdminClient) -> Findings:
    missing = sorted(set(NAMES) - set(probes.existing(client, NAMES)))
    return kafka_checks.topics(missing, topics.differences(settings, TOPICS))


def _replication(client: AdminClient, *, embedded: bool) -> Findings:
    existing = probes.existing(client, NAMES)
    states = partition_states(client, existing)
    return kafka_checks.replication(states, embedded=embedded) if existing else ()


def _acknowledgement(client: AdminClient) -> Findings:
    existing = probes.existing(client, NAMES)
    if not existing:
        return ()
    states = partition_states(client, existing)
    return kafka_checks.acknowledgement(states, least_in_sync(client, existing))


def _transactions(settings: Settings, client: AdminClient) -> Findings:
    log = LogOffsets(settings)
    partitions = log.partitions_of(probes.existing(client, EVENTS))
    open_ = find_open_transactions(settings, log, log.ends(partitions)) if partitions else ()
    offsets = {each.topic_partition: each.offset for each in open_}
    producers = find_producers(settings, offsets) if offsets else {}
    return kafka_checks.transactions(open_, producers)


def _producers_clocks(settings: Settings, client: AdminClient) -> Findings:
    partitions = LogOffsets(settings).partitions_of(probes.existing(client, EVENTS))
    return kafka_checks.newest(probes.newest_ahead(client, partitions)) if partitions else ()


def _schemas(settings: Settings) -> Finding:
    url = settings.schema_registry_url
    foreign = schema_checks.unregistered(url) if url else []
    return schema_checks.schemas(schema_checks.edited_schemas(), foreign, registry=bool(url))


def _of_database(settings: Settings, compared: Iterable[Check]) -> Iterator[Finding]:
    """Checks of the database, and those that compare it with the log."""
    engine = create_engine(settings, name="verdicts doctor", pool_size=1)
    try:
        yield from _in_transaction(engine, _version)
        yield from _each(engine, [("migrations", _migrations), *_SERVER])
        with engine.connect() as connection:
            migrated = probes.revision(connection) == newest_revision()
        if migrated:
            proxies = ("proxies", partial(_proxies, settings))
            yield from _each(
                engine, [*_TABLES, proxies, ("mail", partial(_mail, settings)), *compared]
            )
    finally:
        engine.dispose()


def _migrations(connection: Connection) -> Finding:
    return postgres_checks.migrations(probes.revision(connection), newest_revision())


def _proxies(settings: Settings, connection: Connection) -> Finding:
    counts = read_counts(connection, "new-voter")
    return postgres_checks.proxies(counts, settings.new_voters_per_hour)


def _mail(settings: Settings, connection: Connection) -> Findings:
    cutoff = settings.mail.cutoff_hours
    return [
        *mail_checks.configuration(settings.mail, settings.public_url),
        *mail_checks.issues(mail_probes.issue_states(connection, cutoff)),
        *mail_checks.complaints(*mail_probes.complaint_counts(connection)),
    ]


def _version(connection: Connection) -> Finding:
    return postgres_checks.version(probes.server_version(connection), LEAST_VERSION)


def _each(engine: Engine, checks: Iterable[Check]) -> Iterator[Finding]:
    for name, make in checks:
        yield from guarded(name, partial(_in_transaction, engine, make))


def _in_transaction(engine: Engine, make: Query) -> list[Finding]:
    """The findings of a check in its own transaction, so that a failure breaks no other check."""
    with engine.connect() as connection:
        findings = make(connection)
        return [findings] if isinstance(findings, Finding) else list(findings)


def _compared(settings: Settings, client: AdminClient) -> tuple[Check, ...]:
    return (
        ("offsets", partial(_offsets, settings, client)),
        ("dead letters", partial(_dead_letters, settings, client)),
        ("event times", partial(_event_times, settings, client)),
    )


def _offsets(settings: Settings, client: AdminClient, connection: Connection) -> Findings:
    names = read_generations(connection)
    # Read before the log's bounds, so that no checkpoint can lie behind the end.
    stored = read_checkpoints(connection, names.readable)
    log = LogOffsets(settings)
    bounds = log.bounds(log.partitions_of(probes.existing(client, EVENTS)))
    return pipeline_checks.checkpoints(stored, bounds, names.live or "")


def _dead_letters(settings: Settings, client: AdminClient, connection: Connection) -> Findings:
    if not probes.existing(client, [DEAD_LETTERS.name]):
        return ()
    bounds = LogOffsets(settings).bounds([DEAD_LETTERS_PARTITION])[DEAD_LETTERS_PARTITION]
    return pipeline_checks.dead_letters(pipeline_state.waiting_dead_letters(connection, bounds))


def _event_times(settings: Settings, client: AdminClient, connection: Connection) -> Findings:
    live = read_generations(connection).live
    limit = probes.time_limit()
    latest = read_latest_times(connection, live, limit) if live else {}
    partitions = LogOffsets(settings).partitions_of(probes.existing(client, EVENTS))
    return pipeline_checks.event_times(probes.events_ahead(settings, partitions, latest), latest)
