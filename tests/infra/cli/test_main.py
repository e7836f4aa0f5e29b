import io
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from confluent_kafka import KafkaError, KafkaException
from rich.console import Console
from sqlalchemy.exc import OperationalError

from infra.cli.commands.status import StatusReport, to_text
from infra.cli.failures import describe
from infra.cli.main import verdicts
from infra.embedded.errors import EmbeddedError
from infra.embedded.process import spawn
from infra.settings import Settings
from infra.supervisor.console import Screen
from infra.supervisor.data_folder import DataFolder, RunInfo, attached
from infra.supervisor.service_output import important
from infra.supervisor.services import LONGEST_PAUSE_SECONDS, Service
from tests.harness.commands import all_commands

ROOT = Path(__file__).parents[3]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", all_commands())
def test_every_verb_explains_itself(command: str) -> None:
    result = CliRunner().invoke(verdicts, [*command.split()[1:], "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["migrate"], ["topics", "apply"], ["tokens", "list"], ["worker"], ["publisher"]],
)
def test_without_a_running_system_a_verb_says_so_in_one_sentence(
    arguments: list[str], tmp_path: Path
) -> None:
    result = run(*arguments, VERDICTS_DATA=str(tmp_path), VERDICTS_PORT="1")
    assert result.returncode == 1
    assert re.search(r"Nothing (runs|answers)", result.stderr)
    assert result.stderr.count("\n") == 1


def test_a_wrong_setting_is_one_sentence() -> None:
    result = run("up", VERDICTS_PORT="http")
    assert result.returncode == 1
    assert result.stderr == (
        "verdicts: VERDICTS_PORT is 'http'; give a whole number from 1 to 65535.\n"
    )


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("up", VERDICTS_DATA=str(tmp_path / "file" / "data"))
    assert result.returncode == 1
    assert "choose another one with VERDICTS_DATA" in result.stderr


def test_an_unknown_verb_is_refused_without_a_traceback() -> None:
    result = run("dance")
    assert result.returncode == 2
    assert "No such command" in result.stderr


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (EmbeddedError("Do this."), "Do this."),
        (
            OperationalError("", {}, psycopg.OperationalError("connection refused\nmore")),
            "The database does not answer (connection refused).",
        ),
        (
            KafkaException(KafkaError(KafkaError._TRANSPORT, "gone")),
            "Kafka does not answer (gone).",
        ),
        (
            OSError(28, "No space left on device", "/data/x"),
            "No space left on device at /data/x; fix that and start again.",
        ),
    ],
)
def test_a_failure_is_told_as_a_sentence(error: Exception, told: str) -> None:
    assert describe(error) == told


def test_what_nobody_foresaw_is_kept_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VERDICTS_DATA", str(tmp_path))
    assert "failure.log" in describe(ZeroDivisionError("division by zero"))
    assert "ZeroDivisionError" in (tmp_path / "logs" / "failure.log").read_text()


def line(**entry: Any) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def test_only_lines_for_a_persons_eyes_are_shown() -> None:
    assert important(line(level="info", event="fine")) == ""
    assert important(b"Traceback (most recent call last):\n") == ""
    shown = line(level="error", event="broker gone", topic="votes", logger="x", timestamp="t")
    assert important(shown) == "broker gone topic=votes"


def test_who_dies_once_is_started_at_once_and_who_keeps_dying_ever_more_slowly() -> None:
    service = Service("worker", lambda: spawn([sys.executable, "-c", ""]), 15, 1, Path("log"))
    pauses = []
    for _ in range(9):
        service.start()
        assert service.wait() == "ended with status 0"
        pauses.append(service.pause)
    assert pauses[:4] == [0, 0.5, 1.5, 3.5]
    assert pauses == sorted(pauses)
    assert pauses[-1] < LONGEST_PAUSE_SECONDS


def test_a_screen_that_nobody_watches_is_plain_text() -> None:
    file = io.StringIO()
    screen = Screen(Console(file=file, width=100, soft_wrap=True))
    with screen.step("Starting [Kafka]") as step:
        step.update("half")
        step.result = "Kafka on 127.0.0.1:1"
    screen.warn("[worker] ended")
    first, second = file.getvalue().splitlines()
    assert re.fullmatch(r"  . Kafka on 127\.0\.0\.1:1 +\d+\.\d s", first)
    assert second == "  ! [worker] ended"


def test_a_step_that_fails_leaves_no_line_that_says_it_is_done() -> None:
    file = io.StringIO()

    def fail() -> None:
        with Screen(Console(file=file)).step("Trying"):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert file.getvalue() == ""


def test_given_addresses_are_not_replaced_by_those_of_a_running_system(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    descriptor = folder.lock()
    run = RunInfo(url="u", kafka="k:1", database="postgresql://d", pids={}, public_url="https://v")
    folder.write_run(run)
    its = attached(
        Settings.from_environment(
            {"VERDICTS_DATA": str(tmp_path), "DATABASE_URL": "postgresql://mine"}
        )
    )
    os.close(descriptor)
    assert (its.kafka, its.database_url) == ("k:1", "postgresql://mine")
    assert its.public_url == "https://v"


def test_keys_are_kept_and_given_ones_are_not_written(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    made = folder.keys(Settings.from_environment({}))
    assert folder.keys(Settings.from_environment({})) == made
    given = Settings.from_environment({"VERDICTS_SECRET_KEY": "a,b", "VERDICTS_VOTER_KEY": "c"})
    assert folder.keys(given) == given
    assert made.voter_key not in {"", made.secret_keys[0]}


def test_a_status_is_readable() -> None:
    body = {"lag": {"votes": 0}, "behind": [], "services": [{"service": "worker", "parts": [0, 1]}]}
    assert to_text(StatusReport(ready=True, body=body)).splitlines() == [
        "A vote sent now reaches a page.",
        "  lag",
        "    votes           0",
        "  behind          none",
        "  services        service worker  parts 2",
    ]


def test_the_packages_are_this_projects_own() -> None:
    code = "import infra, projections, publishers, schemas, streams, sys; print(*["
    code += "m.__file__ for m in (infra, projections, publishers, schemas, streams)], sep='\\n')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {Path(path).parents[1] for path in told.stdout.split()} == {ROOT}


def test_every_module_of_infra_stands_in_the_contract_of_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = " ".join(contracts["contracts"][0]["layers"])
    named = set(re.findall(r"infra\.(\w+)", layers))
    found = {path.stem for path in (ROOT / "infra").iterdir() if path.suffix == ".py"}
    found |= {path.parent.name for path in (ROOT / "infra").glob("*/__init__.py")}
    assert found - {"__init__"} == named
