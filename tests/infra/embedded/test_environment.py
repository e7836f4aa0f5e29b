"""Secrets of this system reach no embedded server."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.embedded.environment import server_environment
from infra.embedded.kafka.server import Kafka
from infra.embedded.orphan_guardian import Guardian
from infra.embedded.postgres.location import outside_folder
from infra.embedded.postgres.server import Postgres
from infra.embedded.process import Child

KEYS = ("VERDICTS_SECRET_KEY", "VERDICTS_VOTER_KEY", "GITHUB_TOKEN")
ADDRESSES = ("SMTP_URL", "DATABASE_URL", "KAFKA_SASL_PASSWORD", "PGPASSWORD")
SECRETS = dict.fromkeys((*KEYS, *ADDRESSES), "a secret")


class SpawnedError(Exception):
    """Ends a start once the environment of the child is known."""


@pytest.fixture
def data() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="verdicts-environment-"))
    path.chmod(0o755)
    yield path
    if outside := outside_folder(path):
        shutil.rmtree(outside)
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def environment_of(server: Kafka | Postgres) -> dict[str, str]:
    spawned: list[dict[str, str]] = []

    def spawn(command: list[str], *, stop_signal: int = 15, **options: Any) -> Child:
        spawned.append(options["env"])
        raise SpawnedError

    with pytest.raises(SpawnedError):
        server.start(spawn)
    return spawned[0]


def test_what_servers_need_is_kept_and_nothing_else() -> None:
    needed = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "JAVA_HOME": "/java",
        "TZ": "UTC",
        "VERDICTS_DATA": "/data",
    }
    assert server_environment(SECRETS | needed) == needed


@pytest.mark.parametrize("initialised", [False, True])
def test_postgresql_and_initdb_get_no_secret(data: Path, initialised: bool) -> None:
    server = Postgres(data)
    if initialised:
        (server.location.cluster / "verdicts.initialised").touch()
    assert environment_of(server) == server_environment(os.environ)


@pytest.mark.parametrize("formatted", [False, True])
def test_kafka_and_its_storage_tool_get_no_secret(data: Path, formatted: bool) -> None:
    if formatted:
        (data / "kafka" / "log").mkdir(parents=True)
        (data / "kafka" / "log" / "meta.properties").touch()
    assert environment_of(Kafka(data, Path("java"), [])) == server_environment(os.environ)


def test_the_guardian_gets_no_secret() -> None:
    guardian = Guardian()
    environment = psutil.Process(guardian.process.pid).environ()
    guardian.close()
    assert not SECRETS.keys() & environment.keys()
