import io
import json
import stat
from pathlib import Path
from typing import Any

from rich.console import Console

from infra.supervisor.console import Screen
from infra.supervisor.services.service_output import (
    ROTATE_BYTES,
    RotatedFile,
    ServiceOutput,
    to_warning,
)
from tests.harness.waiting import wait_until


def line(**entry: Any) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def test_only_warnings_and_errors_are_shown() -> None:
    assert to_warning(line(level="info", event="fine")) == ""
    assert to_warning(b"Traceback (most recent call last):\n") == ""
    shown = line(level="error", event="broker gone", topic="votes", logger="x", timestamp="t")
    assert to_warning(shown) == "broker gone topic=votes"


def test_a_line_that_nests_without_end_is_no_warning() -> None:
    assert to_warning(b"[" * 100_000) == ""


def test_a_full_disk_ends_no_reader_of_output_and_is_said_once(tmp_path: Path) -> None:
    log, terminal = tmp_path / "worker.log", io.StringIO()
    log.symlink_to("/dev/full")
    output = ServiceOutput("worker", log, Screen(Console(file=terminal, width=200)))
    lines = [line(level="info", event="n"), line(level="info"), line(level="error", event="last")]
    output.follow(io.BytesIO(b"".join(lines)))
    wait_until("the last line is read", lambda: "worker: last" in terminal.getvalue())
    assert terminal.getvalue().count("lines of its log are lost: The disk is full; make room.") == 1


def test_lines_are_written_again_once_the_log_can_be_opened(tmp_path: Path) -> None:
    failures: list[OSError] = []
    (tmp_path / "logs").touch()
    file = RotatedFile(tmp_path / "logs" / "a.log", failures.append)
    file.append(b"lost\n")
    file.append(b"lost\n")
    (tmp_path / "logs").unlink()
    file.append(b"kept\n")
    file.close()
    assert len(failures) == 1
    assert (tmp_path / "logs" / "a.log").read_bytes() == b"kept\n"


def test_a_log_is_rotated_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    failures: list[OSError] = []
    log.write_bytes(b"x" * (ROTATE_BYTES + 1))
    log.chmod(0o644)
    file = RotatedFile(log, failures.append)
    file.append(b"new\n")
    file.close()
    assert log.read_bytes() == b"new\n"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert (len(list(tmp_path.iterdir())), modes) == (2, {0o600})
