"""Processes by pid and start time, since the system gives a pid to somebody else soon enough."""

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
    """One process for good: a later one with the same pid started at another time."""

    pid: int
    started: float
    stop_signal: int = signal.SIGTERM

    @property
    def process(self) -> psutil.Process | None:
        """The process while it runs, else None."""
        with contextlib.suppress(psutil.Error):
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < 0.01
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        return None


class Spawn(Protocol):
    """Starts a child in a session of its own, so that a Ctrl-C reaches only who orders the end."""

    def __call__(
        self,
        command: list[str],
        *,
        stop_signal: int = signal.SIGTERM,
        **options: object,
    ) -> Child:
        """Start `command` with the options of `subprocess.Popen`."""


def spawn(command: list[str], *, stop_signal: int = signal.SIGTERM, **options: object) -> Child:
    """Start a child that nobody but the caller looks after."""
    del stop_signal  # Only who looks after children for others needs to know how to end them.
    return subprocess.Popen(command, start_new_session=True, **options)  # type: ignore[call-overload, no-any-return]


def identify(pid: int, stop_signal: int = signal.SIGTERM) -> Identity | None:
    """What names this process for good, or None when it has ended."""
    try:
        return Identity(pid, psutil.Process(pid).create_time(), stop_signal)
    except psutil.Error:
        return None


def end(identities: Iterable[Identity], grace: float) -> None:
    """Ask each to stop by its own signal, and kill what is left after `grace` seconds."""
    asked = [(one, found) for one in identities if (found := one.process)]
    for one, found in asked:
        with contextlib.suppress(psutil.Error):
            found.send_signal(one.stop_signal)
    for one in _outlasting([one for one, _ in asked], grace):
        with contextlib.suppress(psutil.Error):
            psutil.Process(one.pid).kill()
    _outlasting([one for one, _ in asked], seconds=2)


def _outlasting(identities: list[Identity], seconds: float) -> list[Identity]:
    """Those still running then; one that merely waits to be reaped has ended."""
    deadline = time.monotonic() + seconds
    while left := [one for one in identities if one.process]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return left


def stop(child: Child, stop_signal: int, grace: float) -> None:
    """End one's own child: by its signal, or by force after `grace` seconds."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(stop_signal)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
