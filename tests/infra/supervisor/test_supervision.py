"""What the threads that restart services survive."""

import errno
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from infra.embedded.process import Child, spawn
from infra.supervisor.console import Screen
from infra.supervisor.supervisor import Service, Supervisor
from tests.harness.waiting import wait_until


def sleeper() -> Child:
    return spawn([sys.executable, "-c", "import time; time.sleep(60)"])


class Run:
    """One supervised service, and the lines on the terminal."""

    def __init__(self) -> None:
        self.terminal = io.StringIO()
        self.on_change: Callable[[], None] = lambda: None
        self.start: Callable[[], Child] = sleeper
        self.screen = Screen(Console(file=self.terminal, width=200))
        self.supervisor = Supervisor(self.screen, lambda: self.on_change())
        self.service = Service("api", lambda: self.start(), 15, 2, Path("api.log"))

    def kill_and_await_restart(self) -> None:
        pid = self.service.pid
        self.service.kill()
        wait_until("another process runs", lambda: self.service.pid != pid)


@pytest.fixture
def run() -> Iterator[Run]:
    run = Run()
    run.supervisor.run(run.service)
    yield run
    run.supervisor.stop([["api"]])


def test_a_second_kill_is_mended_while_the_disk_is_full(run: Run) -> None:
    def note() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "run.json")

    run.on_change = note
    run.kill_and_await_restart()
    wait_until("it is said", lambda: "disk is full at run.json; make room." in text(run))
    run.kill_and_await_restart()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "x"), ValueError("odd"), KeyError("key")])
def test_no_failure_of_a_start_ends_supervision(run: Run, error: Exception) -> None:
    attempts = iter([error])

    def start() -> Child:
        for failure in attempts:
            raise failure
        return sleeper()

    run.start = start
    run.kill_and_await_restart()
    assert "api does not start:" in text(run)


def test_a_closed_terminal_ends_no_supervision(run: Run) -> None:
    run.terminal.close()
    run.kill_and_await_restart()
    run.kill_and_await_restart()


def text(run: Run) -> str:
    return run.terminal.getvalue()
