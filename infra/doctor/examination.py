"""All checks of an installation, in the order in which a person would make them."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from infra import database, topics
from infra.database import LEAST_VERSION, newest_revision
from infra.doctor import broker, looking, machine, store
from infra.doctor.finding import Finding, fail
from infra.log import Log
from infra.settings import Settings
from schemas.topics import CHANGES, DEAD_LETTERS, EVENT_TOPICS, TOPICS

NAMES = [topic.name for topic in TOPICS]
EVENTS = [topic.name for topic in EVENT_TOPICS]
Checks = Iterable[Finding] | Finding


def examine(settings: Settings, *, embedded: bool) -> Iterator[Finding]:
    """Make every check that can be made; what cannot be looked at is a finding of its own.

    Args:
        settings: With the addresses of broker and database.
        embedded: Whether these are our own servers on this machine.
    """
    yield from of_machine(settings, embedded=embedded)
    client = topics.admin(settings)
    reachable = list(_guarded("broker", lambda: _brokers(client, embedded=embedded)))
    yield from reachable
    broker_answers = all(finding.verdict != "fail" for finding in reachable)
    if broker_answers:
        yield from _of_broker(settings, client, embedded=embedded)
    yield from _guarded("schemas", lambda: _schemas(settings))
    yield from _guarded("database", lambda: _of_database(settings, log=broker_answers))


def of_machine(settings: Settings, *, embedded: bool) -> Iterator[Finding]:
    """Checks that need no server."""
    yield from _guarded("disk", lambda: machine.disk(_disk(settings.data)))
    yield machine.permissions(machine.modes(settings.data))
    yield machine.keys(
        secret_keys=settings.secret_keys, voter_key=settings.voter_key, external=not embedded
    )


def _guarded(check: str, look: Callable[[], Checks]) -> Iterator[Finding]:
    """What a check finds, or that it could not be made."""
    try:
        found = look()
        yield from [found] if isinstance(found, Finding) else found
    except KafkaException as error:
        yield fail(check, f"Kafka does not answer ({error.args[0].str()}).", "Is it running?")
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error).splitlines()[0]
        yield fail(check, f"The database does not answer ({why}).", "Is it running and migrated?")
    except (httpx.HTTPError, OSError) as error:
        yield fail(check, f"This cannot be looked at ({error}).", "See to that first.")


def _disk(folder: Path) -> machine.Disk:
    place = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(place)
    return machine.Disk(str(place), usage.free, usage.total)


def _brokers(client: AdminClient, *, embedded: bool) -> Finding:
    return broker.brokers(len(client.list_topics(timeout=5).brokers), embedded=embedded)


def _of_broker(settings: Settings, client: AdminClient, *, embedded: bool) -> Iterator[Finding]:
    missing = sorted(set(NAMES) - set(client.list_topics(timeout=5).topics))
    there = [name for name in NAMES if name not in missing]
    differences = topics.differences(settings, TOPICS)
    yield from broker.topics(missing, differences)
    states = looking.partition_states(client, there)
    yield broker.replication(states, embedded=embedded)
    replicas = max((state.replicas for state in states), default=0)
    yield broker.in_sync(looking.least_in_sync(client, there), replicas)
    places = Log(settings).places(name for name in EVENTS if name in there)
    yield from _guarded("clocks", lambda: broker.newest(looking.newest_ahead(client, places)))


def _schemas(settings: Settings) -> Finding:
    url = settings.schema_registry_url
    foreign = looking.unregistered(url) if url else []
    return broker.schemas(looking.edited_schemas(), foreign, registry=bool(url))


def _of_database(settings: Settings, *, log: bool) -> Iterator[Finding]:
    engine = database.engine(settings, name="verdicts doctor", pool_size=1)
    try:
        with engine.connect() as connection:
            yield store.version(looking.server_version(connection), LEAST_VERSION)
            current = looking.revision(connection)
            yield store.migrations(current, newest_revision())
            yield store.durability(looking.durability(connection))
            yield store.clock(looking.clock_ahead(connection))
            yield store.connections(looking.connections(connection))
            if current == newest_revision():
                yield from _of_tables(connection)
                if log:
                    yield from _of_offsets(settings, connection)
    finally:
        engine.dispose()


def _of_tables(connection: Connection) -> Iterator[Finding]:
    yield store.generation(*looking.generations(connection))
    yield store.services(looking.fresh_services(connection))
    yield store.waiting(looking.ages(connection))
    yield store.tokens(looking.valid_tokens(connection))


def _of_offsets(settings: Settings, connection: Connection) -> Iterator[Finding]:
    live, _, schemas = looking.generations(connection)
    log = Log(settings)
    bounds = log.bounds(log.places(NAMES))
    events = {place: bound for place, bound in bounds.items() if place[0] in EVENTS}
    changes = {place: bound for place, bound in bounds.items() if place[0] == CHANGES.name}
    rows = looking.checkpoints(connection, schemas)
    readable = {**events, **changes}
    readers = {**dict.fromkeys(events, live or ""), **dict.fromkeys(changes, "publisher")}
    yield from store.checkpoints(rows, readable, readers)
    letters = bounds[DEAD_LETTERS.name, 0]
    settled = looking.settled_letters(connection, letters.topic_id)
    yield store.dead_letters(max(0, letters.end - letters.first - settled))
