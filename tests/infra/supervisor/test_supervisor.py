import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from confluent_kafka.admin import AdminClient

from infra.embedded.postgres.location import outside_folder
from infra.embedded.process import Child
from infra.settings import Settings
from infra.supervisor.data_folder import DataFolder, attach
from schemas.topics import VOTES
from tests.harness.ports import free_port
from tests.harness.services import Service
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
NOBODY = 65534
STAND_IN = Path(__file__).parents[1] / "fake_services.py"


class Up:
    """A running `verdicts up` on a folder and a port of its own."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            "VERDICTS_DATA": str(data),
            "VERDICTS_PORT": str(port),
            "VERDICTS_DEMO": "0",
        }
        command = [sys.executable, str(STAND_IN)]
        self.service = Service(command, self.environment, data.parent / "output.txt").start()

    @property
    def process(self) -> Child:
        return self.service.process

    def run_again(self, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "infra.cli", "up"],
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment, **changed},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def await_ready(self) -> None:
        def ready() -> bool:
            assert self.service.running, self.service.logged
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"{self.url}/status").is_success
            return False

        wait_until("all services are ready", ready)

    def run(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "run.json").read_text()))

    def everything(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children(recursive=True))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    created = Path(tempfile.mkdtemp(prefix="verdicts-up-"))
    created.chmod(0o755)
    yield created
    for data in created.iterdir():
        if outside := outside_folder(data):
            shutil.rmtree(outside, ignore_errors=True)
    shutil.rmtree(created, ignore_errors=True)


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Up]:
    """A system whose folder has a comma, a space and an umlaut in its name."""
    system = Up(folder / "a, b ü", free_port())
    system.await_ready()
    yield system
    system.service.stop()


def test_the_local_token_and_the_addresses_are_for_the_owner_alone(up: Up) -> None:
    names = ("admin.token", "run.json", "kafka.properties", "secret.key", "voter.key")
    for name in (*names, "postgres.password"):
        assert stat.S_IMODE((up.data / name).stat().st_mode) == 0o600, name
    assert (up.data / "admin.token").read_text().count("\n") == 1
    assert stat.S_IMODE(up.data.stat().st_mode) == 0o700
    for log in (up.data / "logs").iterdir():
        assert stat.S_IMODE(log.stat().st_mode) == 0o600, log


def test_a_new_token_is_a_line_of_progress_and_is_logged_in_a_file(up: Up) -> None:
    assert f"Admin token created in {up.data / 'admin.token'}" in up.service.logged
    assert "local administrator" not in up.service.logged
    lines = (up.data / "logs" / "up.log").read_text().splitlines()
    (created,) = [line for line in map(json.loads, lines) if line["event"] == "token created"]
    assert (created["role"], created["service"]) == ("admin", "up")


def test_the_run_names_the_processes_themselves(up: Up) -> None:
    run = up.run()
    names = {name: psutil.Process(pid).name() for name, pid in run["pids"].items()}
    assert names["kafka"] == "java"
    assert names["postgres"] == "postgres"
    assert set(names) == {"kafka", "postgres", "api", "worker", "publisher", "mailer"}
    assert run["url"] == up.url
    assert run["database"].startswith("postgresql://")


def test_other_commands_find_the_running_system_by_its_folder(up: Up) -> None:
    settings = attach(Settings.from_environment({"VERDICTS_DATA": str(up.data)}))
    assert (settings.kafka, settings.database_url) == (up.run()["kafka"], up.run()["database"])
    assert settings.kafka_security["sasl.username"] == "verdicts"
    assert settings.secret_keys[0] == (up.data / "secret.key").read_text().strip()


def test_a_plain_client_connects_with_the_properties_of_the_folder(up: Up) -> None:
    lines = (up.data / "kafka.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert properties["bootstrap.servers"] == up.run()["kafka"]
    topics = AdminClient({**properties}).list_topics(timeout=20).topics
    assert VOTES.name in topics


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_of_the_machine_cannot_read_the_properties(up: Up) -> None:
    attempt = subprocess.run(
        ["cat", up.data / "kafka.properties"],
        user=NOBODY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Permission denied" in attempt.stderr
    assert attempt.stdout == ""


def test_lines_that_matter_are_shown_and_all_lines_are_kept(up: Up) -> None:
    wait_until("the worker is heard", lambda: "worker: hello from worker n=1" in up.service.logged)
    assert "hello from worker" in (up.data / "logs" / "worker.log").read_text()


@pytest.mark.parametrize("service", ["worker", "kafka", "postgres"])
def test_a_killed_service_is_started_again_with_a_line_that_says_so(up: Up, service: str) -> None:
    before = up.run()
    unpacked = up.data / "kafka" / "tmp" / "unpacked"
    unpacked.touch()
    os.kill(before["pids"][service], signal.SIGKILL)
    wait_until(
        "the service has another process",
        lambda: up.run()["pids"][service] != before["pids"][service],
    )
    wait_until("the supervisor says so", lambda: f"{service} runs again" in up.service.logged)
    assert unpacked.exists() == (service != "kafka"), "a killed broker leaves its libraries behind"
    after = up.run()
    assert f"{service} was killed by signal 9" in up.service.logged
    assert (after["kafka"], after["database"]) == (before["kafka"], before["database"])


def test_a_second_up_on_the_same_folder_is_refused_with_a_sentence(up: Up) -> None:
    second = up.run_again(VERDICTS_PORT=str(free_port()))
    assert second.returncode == 1
    assert f"Another `verdicts up` (pid {up.process.pid}) runs on {up.data}" in second.stderr
    assert "Traceback" not in second.stderr
    assert second.stderr.count("\n") == 1


def test_a_taken_port_is_refused_with_a_sentence(up: Up, folder: Path) -> None:
    second = up.run_again(VERDICTS_DATA=str(folder / "other"))
    assert second.returncode == 1
    assert f"127.0.0.1:{up.port} cannot be listened on" in second.stderr
    assert second.stderr.count("\n") == 1


def test_an_external_server_needs_both_keys(up: Up, folder: Path) -> None:
    second = up.run_again(VERDICTS_DATA=str(folder / "other"), DATABASE_URL="postgresql://h/d")
    assert second.returncode == 1
    assert "Set VERDICTS_SECRET_KEY and VERDICTS_VOTER_KEY" in second.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_in_time_and_the_next_start_goes_on(up: Up, number: int) -> None:
    run, token = up.run(), (up.data / "admin.token").read_text()
    everything = up.everything()
    up.process.send_signal(number)
    assert up.process.wait(15) == 0
    assert not any(process.is_running() for process in everything)
    assert not (up.data / "run.json").exists()
    up.service.start()
    up.await_ready()
    assert (up.data / "admin.token").read_text() == token
    assert {key: up.run()[key] for key in ("kafka", "database")} == {
        key: run[key] for key in ("kafka", "database")
    }


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_goes_on(up: Up) -> None:
    everything = up.everything()
    assert len(everything) >= 6
    up.process.kill()
    up.process.wait()
    up.service.start()  # at once: it waits for the guardian of the killed run
    up.await_ready()
    assert not any(process.is_running() for process in everything)


def test_a_run_that_is_over_is_not_found(folder: Path) -> None:
    other = DataFolder(folder / "idle")
    (other.path / "run.json").write_text('{"url": "", "kafka": "", "database": "", "pids": {}}')
    assert other.read_run() is None
