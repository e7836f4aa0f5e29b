"""Our services as processes, started as the supervisor starts them, and what can befall them."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

import infra
from infra.embedded.process import Child, Spawn
from tests.harness.waiting import wait_until

_ROOT = Path(infra.__file__).parents[1]
_GRACE_SECONDS = 20.0

# A process whose clock is off: the standard library's clock is moved, our code stays as it is.
_WITH_CLOCK_OFF = """
import runpy, sys, time
seconds = float(sys.argv.pop(1))
real, real_ns = time.time, time.time_ns
time.time = lambda: real() + seconds
time.time_ns = lambda: real_ns() + int(seconds * 1e9)
runpy.run_module("infra.cli", run_name="__main__", alter_sys=True)
"""


class Service:
    """One process of a service, which can be started again."""

    def __init__(
        self,
        verb: str,
        environment: Mapping[str, str],
        log: Path,
        spawn: Spawn,
        clock_off: float = 0.0,
    ) -> None:
        self.name = log.stem
        self.verb = verb
        program = ["-c", _WITH_CLOCK_OFF, str(clock_off)] if clock_off else ["-m", "infra.cli"]
        self._command = [sys.executable, "-P", *program, verb]
        self._environment = dict(environment)
        self._log = log
        self._spawn = spawn
        self.process: Child | None = None

    def start(self) -> "Service":
        assert not self.running
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self.process = self._spawn(
                self._command,
                env={**os.environ, "PYTHONPATH": str(_ROOT), **self._environment},
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def instance(self) -> str:
        """The stable name that it was given, if any."""
        return self._environment.get("VERDICTS_INSTANCE", "")

    def kill(self) -> None:
        """SIGKILL: it does nothing more."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
            assert self.process
            self.process.wait()

    def pause(self) -> None:
        """SIGSTOP: it stands still when this returns, and does not know it.

        On a busy machine its threads may go on for milliseconds after the signal was sent.
        """
        os.kill(self.pid, signal.SIGSTOP)
        it = psutil.Process(self.pid)
        wait_until("the process stands still", lambda: it.status() == psutil.STATUS_STOPPED)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, and by force after a while."""
        if not self.running:
            return
        assert self.process
        self.resume()
        self.process.terminate()
        try:
            self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def end(self) -> None:
        """Make sure that it has ended, and quickly where nobody has to be told.

        A member of a group that has no name of its own must leave it, or others wait for it.
        """
        if self.instance or self.verb == "api":
            self.kill()
        else:
            self.stop()

    def exit_status(self) -> int:
        """Wait until it ends of its own accord."""
        assert self.process
        wait_until("the process ended", lambda: not self.running)
        return self.process.wait()

    @property
    def said(self) -> str:
        """All that it has logged."""
        return self._log.read_text(errors="replace")

    @property
    def tail(self) -> str:
        """The end of what it has logged."""
        return f"--- {self.name}\n{self.said[-3000:]}"
