import errno
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

from infra.embedded import ports
from infra.embedded.errors import PortTakenError
from infra.embedded.orphan_guardian import TAG_VARIABLE, Guardian
from infra.embedded.private_file import read_or_create, write_private
from infra.embedded.process import Child, Identity, end_all, identify, spawn
from infra.embedded.startup_log import StartupLog

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()",
]


@pytest.fixture
def child() -> Iterator[Child]:
    started = spawn(SLEEPER)
    yield started
    started.kill()
    started.wait()


def test_a_port_is_remembered_and_taken_again(tmp_path: Path) -> None:
    chosen = ports.choose(tmp_path, "kafka", "postgres")
    assert chosen["kafka"] != chosen["postgres"]
    ports.remember(tmp_path, chosen)
    assert ports.choose(tmp_path, "kafka", "postgres") == chosen


def test_a_remembered_port_that_is_taken_gives_way_to_another(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = int(other.getsockname()[1])
        ports.remember(tmp_path, {"kafka": taken})
        assert ports.choose(tmp_path, "kafka")["kafka"] != taken
        assert not ports.is_free(ports.LOOPBACK, taken)


def test_damaged_memory_of_ports_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("[1,")
    assert ports.choose(tmp_path, "kafka")["kafka"]


def test_a_secret_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    assert read_or_create(path, "first") == read_or_create(path, "second") == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_emptied_secret_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.touch(mode=0o644)
    assert read_or_create(path, "fresh") == "fresh"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_replacing_leaves_no_other_file_behind(tmp_path: Path) -> None:
    write_private(tmp_path / "run.json", "1")
    write_private(tmp_path / "run.json", "2")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("run.json", "2")]


def test_a_replacement_that_fails_leaves_no_half_file_behind(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_private(tmp_path / "run.json", "2")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_secret_that_others_can_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.write_text("known\n")
    path.chmod(0o644)
    assert read_or_create(path, "fresh") == "known"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_server_starts_without_a_log_on_a_full_disk_alone(tmp_path: Path) -> None:
    def fail(number: int) -> Callable[[Path], IO[bytes]]:
        def open_log(path: Path) -> IO[bytes]:
            raise OSError(number, "no file", str(path))

        return open_log

    log = StartupLog(tmp_path / "a.log", fail(errno.ENOSPC))
    log.file.write(b"discarded")
    assert "the reason is in" in str(log.explain("Kafka", tmp_path))
    with pytest.raises(OSError, match="no file"):
        StartupLog(tmp_path / "a.log", fail(errno.EACCES))


def test_ports_that_are_stored_already_are_not_written_again(tmp_path: Path) -> None:
    ports.remember(tmp_path, {"kafka": 1})
    before = (tmp_path / "ports.json").stat()
    ports.remember(tmp_path, {"kafka": 1})
    assert (tmp_path / "ports.json").stat().st_ino == before.st_ino


def test_a_process_is_not_mistaken_for_a_later_one_with_its_pid(child: Child) -> None:
    identity = identify(child.pid)
    assert identity
    assert identity.process
    assert Identity(child.pid, identity.started - 100).process is None
    end_all([Identity(child.pid, identity.started - 100)], grace=0)
    assert child.poll() is None


def test_who_does_not_end_when_asked_is_killed() -> None:
    child = spawn(STUBBORN, stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()  # from here on it ignores the signal
    identity = identify(child.pid)
    assert identity
    end_all([identity], grace=0.1)
    assert child.wait(5) == -9
    child.stdout.close()


def test_a_guardian_ends_its_children_when_it_is_closed() -> None:
    guardian = Guardian()
    children = [guardian.spawn(SLEEPER), guardian.spawn(SLEEPER)]
    guardian.close()
    assert [child.wait(5) for child in children] == [-15, -15]


def test_a_guardian_finds_a_child_that_it_was_never_told_of() -> None:
    guardian = Guardian()
    mark = guardian.spawn(
        [sys.executable, "-c", f"import os; print(os.environ['{TAG_VARIABLE}'])"],
        stdout=subprocess.PIPE,
    )
    assert mark.stdout
    untold = spawn(SLEEPER, env={TAG_VARIABLE: mark.stdout.readline().decode().strip()})
    guardian.close()
    assert untold.wait(5) == -15
    mark.stdout.close()
    mark.wait()


def test_a_guardian_that_was_killed_is_replaced_by_one_that_knows_as_much() -> None:
    guardian = Guardian()
    child = guardian.spawn(SLEEPER)
    assert not guardian.restart_if_dead()
    psutil.Process(guardian.process.pid).kill()
    guardian.process.wait()
    assert guardian.restart_if_dead()
    guardian.close()
    assert child.wait(5) == -15


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("java.io.IOException: No space left on device", "is full; make room"),
        ("initdb: could not create directory: Permission denied", "belongs to another user"),
        ("Could not reserve enough space for object heap", "too little free memory"),
        ("something else entirely", "the reason is in"),
    ],
)
def test_why_a_server_did_not_start_is_told_in_one_sentence(
    tmp_path: Path, output: str, sentence: str
) -> None:
    (tmp_path / "a.log").write_text("Address already in use, but by an earlier start\n")
    log = StartupLog(tmp_path / "a.log")
    with log.file as file:
        file.write(output.encode())
    failure = log.explain("Kafka", tmp_path)
    assert sentence in str(failure)
    assert not isinstance(failure, PortTakenError)


def test_a_port_taken_after_the_choice_is_told_apart_so_that_another_is_tried(
    tmp_path: Path,
) -> None:
    log = StartupLog(tmp_path / "a.log")
    with log.file as file:
        file.write(b"java.net.BindException: Address already in use")
    assert isinstance(log.explain("Kafka", tmp_path), PortTakenError)
