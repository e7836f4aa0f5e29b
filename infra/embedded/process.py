"""Processes identified by pid and start time, because the system reuses pids."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterable
from typing import Protocol

import msgspec
import psutil

Child = subprocess.Popen[bytes]


class Identity(msgspec.Struct, frozen=True):
    """Identifies one process: a later one with the same pid has another start time."""

    pid: int
    started: float
    stop_signal: int = signal.SIGTERM

    @property
    def process(self) -> psutil.Process | None:
        """The process while it runs; None once it has ended, also while it is a zombie."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 0.01
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        return None


class Spawn(Protocol):
    """Starts a child in a session of its own, so that a Ctrl-C does not reach it."""

    def __call__(
        self,
        command: list[str],
        *,
        stop_signal: int = signal.SIGTERM,
        **options: object,
    ) -> Child:
        """Start `command` with the options of `subprocess.Popen`."""


def spawn(command: list[str], *, stop_signal: int = signal.SIGTERM, **options: object) -> Child:
    """Start a child without a guardian; the caller ends it."""
    del stop_signal  # Only a guardian needs it.
    return subprocess.Popen(command, start_new_session=True, **options)  # type: ignore[call-overload, no-any-return]


def identify(pid: int, stop_signal: int = signal.SIGTERM) -> Identity | None:
    """Return the identity of a running process; None if it has ended."""
    try:
        return Identity(pid, psutil.Process(pid).create_time(), stop_signal)
    except psutil.Error:
        return None


def end_all(identities: Iterable[Identity], grace: float) -> None:
    """Send each process its stop signal, and kill those that still run after `grace` seconds."""
    running = [(identity, process) for identity in identities if (process := identity.process)]
    signalled = [identity for identity, _ in running]
    for identity, process in running:
        with contextlib.suppress(psutil.Error):
            process.send_signal(identity.stop_signal)
    for identity in _wait_for_end(signalled, grace):
        with contextlib.suppress(psutil.Error):
            psutil.Process(identity.pid).kill()
    _wait_for_end(signalled, seconds=2)


def _wait_for_end(identities: list[Identity], seconds: float) -> list[Identity]:
    """Wait at most `seconds`, and return the processes that still run."""
    deadline = time.monotonic() + seconds
    while running := [identity for identity in identities if identity.process]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return running


def stop(child: Child, stop_signal: int, grace: float) -> None:
    """End a child of this process: by its signal, or by SIGKILL after `grace` seconds."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(stop_signal)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
