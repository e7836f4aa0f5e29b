"""Real servers for the tests that need them: started once, lazily, and ended however pytest ends.

`kafka` holds the variables of a client of the broker, `database` is an address. Tests share the
servers, so each brings names of its own: `fresh_database` is an empty database for one test,
`unique` a name nobody else uses.
"""

import gc
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text

from infra import migrations
from infra.embedded.kafka.jars import class_path
from infra.embedded.kafka.java import java
from infra.embedded.kafka.server import Kafka
from infra.embedded.orphan_guardian import Guardian
from infra.embedded.postgres.server import Postgres
from infra.kafka import topics
from infra.postgres import engine as databases
from infra.settings import Settings
from projections.generations import create_missing_tables
from schemas.topics import TOPICS
from tests.harness import thoroughness  # noqa: F401  so that pytest's option finds the profile
from tests.harness.databases import created
from tests.harness.distribution import Distribution, place
from tests.harness.journal import Journal
from tests.harness.kafka import client_variables


def pytest_configure() -> None:
    """Let SIGINT through: a script's background commands, and so our children, would ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Distribution | None:
    return Distribution(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=place)


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder that the database's user can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="verdicts-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def guardian(servers_folder: Path) -> Iterator[Guardian]:
    """What ends the servers, also when pytest is killed."""
    guard = Guardian()
    yield guard
    gc.collect()  # Clients that nobody uses any more would complain when their broker goes.
    guard.close()


@pytest.fixture(scope="session")
def kafka(servers_folder: Path, guardian: Guardian) -> dict[str, str]:
    """The `KAFKA_*` variables of a client of a real broker without topics."""
    jars = class_path(servers_folder, lambda *_: None)
    server = Kafka(servers_folder, java(), jars)
    server.start(guardian.spawn)
    return client_variables(server)


@pytest.fixture(scope="session")
def database(servers_folder: Path, guardian: Guardian) -> str:
    """`postgresql://…` of a real, empty database; see `fresh_database` for one per test."""
    server = Postgres(servers_folder)
    server.start(guardian.spawn)
    return server.address


@pytest.fixture
def fresh_database(database: str, unique: Callable[[str], str]) -> Iterator[str]:
    """`postgresql://…` of an empty database that goes with the test."""
    with created(database, unique("test")) as address:
        yield address


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes names for topics, groups and the like that no other test uses."""
    return lambda prefix: f"{prefix}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def template(database: str) -> str:
    """The name of a migrated database that nobody is connected to: copying it is quick."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create database template_of_tests")
    address = database.rpartition("/")[0] + "/template_of_tests"
    migrations.migrate(address, afterwards=create_missing_tables)
    return "template_of_tests"


@pytest.fixture(scope="session")
def migrated(database: str, template: str) -> Iterator[str]:
    """`postgresql://…` of a migrated database with empty projections."""
    with created(database, "migrated", template) as address:
        yield address


@pytest.fixture
def projected_url(database: str, template: str, unique: Callable[[str], str]) -> Iterator[str]:
    """`postgresql://…` of a migrated database of the test's own, for processes to work on."""
    with created(database, unique("test"), template) as address:
        yield address


@pytest.fixture(scope="module")
def module_database(database: str, template: str) -> Iterator[str]:
    """As `projected_url`, for all tests of a module."""
    with created(database, f"module_{uuid.uuid4().hex[:12]}", template) as address:
        yield address


@pytest.fixture(scope="session")
def projections(migrated: str) -> Iterator[Engine]:
    """An engine on a database that tests share one after the other; see `projected`."""
    engine = databases.create_engine(migrated, name="verdicts tests", writes=True)
    yield engine
    engine.dispose()


@pytest.fixture
def projected(projections: Engine) -> Engine:
    """An engine on empty projections; emptying takes a tenth of the time of a new database."""
    empty(projections)
    return projections


@pytest.fixture
def journal(projected: Engine) -> Journal:
    """A journal on empty tables."""
    return Journal(projected)


def empty(engine: Engine) -> None:
    """Delete all rows, but for what says which generation is live."""
    with engine.begin() as connection:
        lasting = {"generation", "generations", "revision"}
        tables = connection.execute(
            text(
                "select schemaname, tablename from pg_tables "
                "where schemaname = 'verdicts' or schemaname = current_schema()"
            )
        )
        for schema, table in tables.all():
            if table not in lasting:
                connection.execute(text(f"delete from {schema}.{table}"))


@pytest.fixture(scope="session")
def cluster(kafka: dict[str, str]) -> dict[str, str]:
    """As `kafka`, with all topics; what stands on them is every test's."""
    topics.apply(Settings.from_environment(kafka), TOPICS)
    return kafka
