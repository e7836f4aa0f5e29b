"""Services as processes, as the supervisor starts them, and what can happen to them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import infra
from infra.embedded.process import Child, Spawn, spawn
from tests.harness.waiting import wait_until

ROOT = Path(infra.__file__).parents[1]
GRACE_SECONDS = 30.0

# A process whose clock is off: the standard library's is moved, and so is the time with which the
# Kafka client, which asks the machine itself, stamps records. Our code stays as it is.
_WITH_CLOCK_OFF = """
import runpy, sys, time
import confluent_kafka

seconds = float(sys.argv.pop(1))
real, real_ns = time.time, time.time_ns
time.time = lambda: real() + seconds
time.time_ns = lambda: real_ns() + int(seconds * 1e9)

class Producer(confluent_kafka.Producer):
    def produce(self, *arguments, timestamp=0, **options):
        timestamp = timestamp or int(time.time() * 1000)
        super().produce(*arguments, timestamp=timestamp, **options)

    def produce_batch(self, topic, messages, on_delivery):
        for message in messages:
            self.produce(topic, on_delivery=on_delivery, **message)

confluent_kafka.Producer = Producer
runpy.run_module("infra.cli", run_name="__main__", alter_sys=True)
"""


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module."""
    return [sys.executable, "-P", "-m", module, *arguments]


def verdicts(*arguments: str, clock_off: float = 0.0) -> list[str]:
    """A `verdicts` command, by a clock that is so many seconds ahead."""
    if clock_off:
        return [sys.executable, "-P", "-c", _WITH_CLOCK_OFF, str(clock_off), *arguments]
    return python("infra.cli", *arguments)


def pause(process: Child) -> None:
    """SIGSTOP to a child of this process: all of its threads have stopped when this returns.

    On a busy machine they may go on for milliseconds after the signal was sent.
    """
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


class Service:
    """One process, which can be started again.

    Args:
        command: Program and arguments; see `verdicts`.
        environment: Added to the tests' own.
        log: The file that gets what the process prints.
        spawn: Starts processes.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        spawn: Spawn = spawn,
    ) -> None:
        self.name = log.stem
        self.command = list(command)
        self._environment = dict(environment)
        self._log = log
        self._spawn = spawn
        self._started: Child | None = None

    def start(self) -> "Service":
        assert not self.running
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._started = self._spawn(
                self.command,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self._environment},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    @property
    def process(self) -> Child:
        """The process since the last start."""
        assert self._started
        return self._started

    @property
    def running(self) -> bool:
        return self._started is not None and self._started.poll() is None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def instance(self) -> str:
        """The stable name that it was given, if any."""
        return self._environment.get("VERDICTS_INSTANCE", "")

    def kill(self) -> None:
        """SIGKILL: the process does nothing more."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()

    def pause(self) -> None:
        """SIGSTOP: it does nothing until it is resumed, and does not know it."""
        pause(self.process)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM, and SIGKILL after the grace; the exit status, negative for a signal."""
        if self.running:
            self.resume()
            self.process.terminate()
            try:
                self.process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.wait()

    def end(self) -> None:
        """Make sure that it has ended, and quickly where no other process has to learn of it.

        A member of a group without a name of its own must leave it, or the others wait for it.
        """
        if self.instance or "api" in self.command:
            self.kill()
        elif self._started:
            self.stop()

    def exit_status(self) -> int:
        """Wait until it ends of its own accord."""
        wait_until("the process ended", lambda: not self.running)
        return self.process.wait()

    @property
    def logged(self) -> str:
        """All that it has printed."""
        return self._log.read_text(errors="replace")

    @property
    def tail(self) -> str:
        """The end of what it has printed."""
        return f"--- {self.name}\n{self.logged[-3000:]}"


def start_service(name: str, *, kafka: dict[str, str], database: str, data: Path) -> Service:
    """Start one `verdicts` service; its log is a file of its own in `data`."""
    given = environment(kafka=kafka, database=database, data=data)
    return Service(verdicts(name), given, data / f"{name}-{time.monotonic_ns()}.log").start()


def environment(*, kafka: dict[str, str], database: str, data: Path) -> dict[str, str]:
    """The environment of a service on these servers."""
    return os.environ | {
        **kafka,
        "DATABASE_URL": database,
        "VERDICTS_DATA": str(data),
        "VERDICTS_SECRET_KEY": "signs nothing here",
        "VERDICTS_VOTER_KEY": "hides nobody here",
        "VERDICTS_PUBLIC_URL": "https://verdicts.example",
    }
