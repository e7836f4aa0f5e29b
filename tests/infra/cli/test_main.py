import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from confluent_kafka import KafkaError, KafkaException
from sqlalchemy.exc import OperationalError

from infra.cli.commands.status import StatusReport, to_text
from infra.cli.failures import describe
from infra.cli.main import verdicts
from infra.embedded.errors import EmbeddedError
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
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(verdicts, [*command.split()[1:], "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["migrate"], ["topics", "apply"], ["tokens", "list"], ["worker"], ["publisher"]],
)
def test_without_a_running_system_a_command_says_so_in_one_sentence(
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


def test_an_unknown_command_is_refused_without_a_traceback() -> None:
    result = run("dance")
    assert result.returncode == 2
    assert "No such command" in result.stderr


@pytest.mark.parametrize(
    ("error", "text"),
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
            "The disk is full at /data/x; make room and start again.",
        ),
        (
            PermissionError(13, "Permission denied", "/data/x"),
            "Permission denied at /data/x; fix that and start again.",
        ),
    ],
)
def test_a_failure_becomes_one_sentence(error: Exception, text: str) -> None:
    assert describe(error) == text


def test_the_traceback_of_an_unexpected_error_is_saved_to_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VERDICTS_DATA", str(tmp_path))
    assert "failure.log" in describe(ZeroDivisionError("division by zero"))
    assert "ZeroDivisionError" in (tmp_path / "logs" / "failure.log").read_text()


def test_a_status_is_readable() -> None:
    worker = {
        "service": "worker", "instance": "worker-1", "age": 0.412,
        "detail": {"assigned": {"votes": [0, 1], "reviews": [0]}, "relay": True},
    }  # fmt: skip
    publisher = {"service": "publisher", "instance": "p", "age": 1, "detail": {"active": True}}
    body = {
        "url": "http://localhost", "status": "degraded", "reasons": ["No worker relays changes."],
        "behind": ["votes/3"], "services": [worker, publisher], "waiting_seconds": 0.25,
    }  # fmt: skip
    assert to_text(StatusReport(ready=False, body=body)).splitlines() == [
        "A vote sent now reaches no page.",
        "  Because: No worker relays changes.",
        "  Behind: votes/3",
        "  worker     worker-1         seen 0.4 s ago, 3 partitions, relays changes",
        "  publisher  p                seen 1.0 s ago, active",
        "  The oldest change waits 0.25 s for its pages.",
        "  http://localhost/status",
    ]


def test_every_error_has_one_prefix() -> None:
    for arguments in (("events", "count", "--nonsense"), ("nonsense",)):
        error = run(*arguments).stderr.splitlines()
        assert error[-1].startswith("verdicts: "), error
        assert not [line for line in error if line.startswith("Error:")]


def test_the_packages_are_this_projects_own() -> None:
    code = "import infra, projections, publishers, schemas, streams, sys; print(*["
    code += "m.__file__ for m in (infra, projections, publishers, schemas, streams)], sep='\\n')"
    paths = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {Path(path).parents[1] for path in paths.stdout.split()} == {ROOT}


def test_every_module_of_infra_is_in_the_contract_of_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = " ".join(contracts["contracts"][0]["layers"])
    named = set(re.findall(r"infra\.(\w+)", layers))
    modules = {path.stem for path in (ROOT / "infra").iterdir() if path.suffix == ".py"}
    modules |= {path.parent.name for path in (ROOT / "infra").glob("*/__init__.py")}
    assert modules - {"__init__"} == named
