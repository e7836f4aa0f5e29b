"""All checks of an installation, in the order in which a person would make them.

Each part is looked at on its own: where one cannot be, that is a finding of this part, and the
others are looked at all the same.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import psycopg
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from infra.kafka import topics
from infra.kafka.client import create_admin
from infra.kafka.offsets import LogOffsets
from infra.kafka.registry import RegistryError
from infra.migrations import LEAST_VERSION, newest_revision
from infra.operations.doctor import host_checks, kafka_checks, postgres_checks, probes
from infra.operations.doctor.finding import Finding, fail
from infra.postgres.engine import create_engine, error_text
from infra.settings import Settings
from schemas.topics import DEAD_LETTERS, EVENT_TOPICS, TOPICS

NAMES = [topic.name for topic in TOPICS]
EVENTS = [topic.name for topic in EVENT_TOPICS]
Checks = Iterable[Finding] | Finding
Part = tuple[str, Callable[[Connection], Checks]]

_SEE_FIRST = "See to that first."
_SILENT = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError.REQUEST_TIMED_OUT,
}
_SERVER: tuple[Part, ...] = (
    ("migrations", lambda it: postgres_checks.migrations(probes.revision(it), newest_revision())),
    ("durability", lambda it: postgres_checks.durability(probes.durability(it))),
    ("clock", lambda it: postgres_checks.clock(probes.clock_ahead(it))),
    ("connections", lambda it: postgres_checks.connections(probes.connections(it))),
)
_TABLES: tuple[Part, ...] = (
    ("generation", lambda it: postgres_checks.generation(*probes.generations(it))),
    ("services", lambda it: postgres_checks.services(probes.fresh_services(it))),
    ("changes", lambda it: postgres_checks.waiting(probes.ages(it))),
    ("tokens", lambda it: postgres_checks.tokens(probes.valid_tokens(it))),
)


def examine(settings: Settings, *, embedded: bool, homes: Iterable[Path] = ()) -> Iterator[Finding]:
    """Make every check that can be made; what cannot be looked at is a finding of its own.

    Args:
        settings: With the addresses of broker and database.
        embedded: Whether these are our own servers on this machine.
        homes: Where servers on this machine keep their files, if not in the data folder.
    """
    yield from of_machine(settings, embedded=embedded, homes=homes)
    client = create_admin(settings)
    reachable = list(guarded("broker", lambda: _brokers(client, embedded=embedded)))
    yield from reachable
    broker_answers = all(finding.verdict != "fail" for finding in reachable)
    if broker_answers:
        yield from _of_broker(settings, client, embedded=embedded)
    yield from guarded("schemas", lambda: _schemas(settings))
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


def guarded(check: str, look: Callable[[], Checks]) -> Iterator[Finding]:
    """What a check finds, or that it could not be made, for whatever reason."""
    try:
        found = look()
        yield from [found] if isinstance(found, Finding) else found
    except KafkaException as error:
        yield _of_kafka(check, error.args[0])
    except (OperationalError, psycopg.OperationalError) as error:
        says = f"The database does not answer ({error_text(error)})."
        yield fail(check, says, "Is it running and migrated?")
    except (SQLAlchemyError, psycopg.Error) as error:
        yield fail(check, f"The database refuses this ({error_text(error)}).", _SEE_FIRST)
    except RegistryError as error:
        yield fail(check, str(error), "Is SCHEMA_REGISTRY_URL the address of a schema registry?")
    except Exception as error:  # no part's failure may hide what the others find
        said = str(error) or type(error).__name__
        yield fail(check, f"This cannot be looked at ({said}).", _SEE_FIRST)


def _of_kafka(check: str, error: KafkaError) -> Finding:
    if error.code() in _SILENT:
        return fail(check, f"Kafka does not answer ({error.str()}).", "Is it running?")
    return fail(check, f"Kafka refuses this ({error.str()}).", _SEE_FIRST)


def _brokers(client: AdminClient, *, embedded: bool) -> Finding:
    return kafka_checks.brokers(len(client.list_topics(timeout=5).brokers), embedded=embedded)


def _of_broker(settings: Settings, client: AdminClient, *, embedded: bool) -> Iterator[Finding]:
    yield from guarded("topics", lambda: _topics(settings, client))
    yield from guarded("replication", lambda: _replication(client, embedded=embedded))
    yield from guarded("acknowledgement", lambda: _acknowledgement(client))
    yield from guarded("producers' clocks", lambda: _producers_clocks(settings, client))


def _topics(settings: Settings, client: AdminClient) -> Checks:
    missing = sorted(set(NAMES) - set(probes.existing(client, NAMES)))
    return kafka_checks.topics(missing, topics.differences(settings, TOPICS))


def _replication(client: AdminClient, *, embedded: bool) -> Checks:
    there = probes.existing(client, NAMES)
    states = probes.partition_states(client, there)
    return kafka_checks.replication(states, embedded=embedded) if there else ()


def _acknowledgement(client: AdminClient) -> Checks:
    there = probes.existing(client, NAMES)
    states = probes.partition_states(client, there)
    replicas = max((state.replicas for state in states), default=0)
    return kafka_checks.in_sync(probes.least_in_sync(client, there), replicas) if there else ()


def _producers_clocks(settings: Settings, client: AdminClient) -> Checks:
    places = LogOffsets(settings).partitions_of(probes.existing(client, EVENTS))
    return kafka_checks.newest(probes.newest_ahead(client, places)) if places else ()


def _schemas(settings: Settings) -> Finding:
    url = settings.schema_registry_url
    foreign = probes.unregistered(url) if url else []
    return kafka_checks.schemas(probes.edited_schemas(), foreign, registry=bool(url))


def _of_database(settings: Settings, compared: Iterable[Part]) -> Iterator[Finding]:
    """Checks of the database, and those that hold it against the log."""
    engine = create_engine(settings, name="verdicts doctor", pool_size=1)
    try:
        yield from _asked(engine, _version)
        yield from _each(engine, _SERVER)
        with engine.connect() as connection:
            migrated = probes.revision(connection) == newest_revision()
        if migrated:
            yield from _each(engine, [*_TABLES, *compared])
    finally:
        engine.dispose()


def _version(connection: Connection) -> Finding:
    return postgres_checks.version(probes.server_version(connection), LEAST_VERSION)


def _each(engine: Engine, parts: Iterable[Part]) -> Iterator[Finding]:
    for check, look in parts:
        yield from guarded(check, partial(_asked, engine, look))


def _asked(engine: Engine, look: Callable[[Connection], Checks]) -> list[Finding]:
    """What a look finds in a transaction of its own, so that its failure is none of the others'."""
    with engine.connect() as connection:
        found = look(connection)
        return [found] if isinstance(found, Finding) else list(found)


def _compared(settings: Settings, client: AdminClient) -> tuple[Part, ...]:
    return (
        ("offsets", partial(_offsets, settings, client)),
        ("dead letters", partial(_dead_letters, settings, client)),
    )


def _offsets(settings: Settings, client: AdminClient, connection: Connection) -> Checks:
    live, listed, schemas = probes.generations(connection)
    # Read before the broker is asked, so that none can lie behind the end that it tells.
    rows = probes.checkpoints(connection, [name for name in listed if name in schemas])
    log = LogOffsets(settings)
    bounds = log.bounds(log.partitions_of(probes.existing(client, EVENTS)))
    readers = dict.fromkeys(bounds, live or "")
    return postgres_checks.checkpoints(rows, bounds, readers)


def _dead_letters(settings: Settings, client: AdminClient, connection: Connection) -> Checks:
    if not probes.existing(client, [DEAD_LETTERS.name]):
        return ()
    place = (DEAD_LETTERS.name, 0)
    bounds = LogOffsets(settings).bounds([place])[place]
    return postgres_checks.dead_letters(probes.waiting_letters(connection, bounds))
