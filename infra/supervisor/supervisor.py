"""Keeps services running: a service that ends is restarted, with growing delays.

Each service has a thread that waits for its end. No failure of a start or of a note about it ends
that thread. `Supervisor.stop` ends the services in the reverse order of their dependencies.
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from infra.embedded.errors import os_error_text
from infra.embedded.process import Child, stop

STABLE_SECONDS = 30.0
MOST_FAILURES = 3
"""A service that ended so often in a row, each time before it was stable, keeps failing."""
MAX_DELAY_SECONDS = 30.0


class Report(Protocol):
    """Tells people what happens to services."""

    def warn(self, text: str) -> None:
        """A service has ended or does not start."""

    def done(self, text: str) -> None:
        """A service runs again."""


class Service:
    """One process that should always run.

    Args:
        name: For log lines; that of a service of `verdicts up` is its key in `run.json`.
        start: Starts the process, and returns when it is usable.
        stop_signal: Signal that requests an orderly end.
        grace: Seconds between that signal and SIGKILL.
        log: File with the reason of a failure; None where the process shares our own output.
    """

    def __init__(
        self,
        name: str,
        start: Callable[[], Child],
        stop_signal: int,
        grace: float,
        log: Path | None = None,
    ) -> None:
        self.name, self.log = name, log
        self.failures = 0
        self._start, self._stop_signal, self.grace = start, stop_signal, grace
        self._child: Child | None = None
        self._started = 0.0

    @property
    def pid(self) -> int | None:
        """The pid of the latest process, which may have ended."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the process."""
        self._child = self._start()
        self._started = time.monotonic()

    def wait(self) -> str:
        """Wait for the process to end, and return how it ended."""
        assert self._child
        code = self._child.wait()
        if time.monotonic() - self._started > STABLE_SECONDS:
            self.failures = 0
        self.failures += 1
        return f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"

    @property
    def keeps_failing(self) -> bool:
        """Whether it ended three times in a row soon after its start, and is not stable yet."""
        recent = time.monotonic() - self._started < STABLE_SECONDS
        return recent and self.failures >= MOST_FAILURES

    @property
    def restart_delay(self) -> float:
        """Seconds before the next start: 0 after the first failure, then 0.5, 1.5 and so on."""
        return min(0.5 * 2.0 ** (self.failures - 1), MAX_DELAY_SECONDS) - 0.5

    def stop(self) -> None:
        """Request an orderly end; kill the process after the grace period."""
        if self._child:
            stop(self._child, self._stop_signal, self.grace)

    def kill(self) -> None:
        """Kill the process."""
        if self._child and self._child.poll() is None:
            self._child.kill()


class Supervisor:
    """Runs services and restarts them until it is stopped."""

    def __init__(self, report: Report, on_change: Callable[[], None]) -> None:
        """Say in `report` what is restarted, and call `on_change` after each restart."""
        self._report, self._on_change = report, on_change
        self.services: list[Service] = []
        self._stopping = threading.Event()

    def run(self, service: Service) -> None:
        """Start a service, and restart it whenever it ends."""
        service.start()
        self.services.append(service)
        threading.Thread(
            target=self._supervise, args=(service,), daemon=True, name=service.name
        ).start()

    @property
    def failing(self) -> Service | None:
        """A service that keeps failing; None if there is none."""
        return next(
            (service for service in self.services if service.failures >= MOST_FAILURES), None
        )

    def stop(self, order: Sequence[Sequence[str]]) -> None:
        """Stop all services, group after group; the services of one group at the same time."""
        self._stopping.set()
        for names in order:
            group = [service for service in self.services if service.name in names]
            threads = [threading.Thread(target=service.stop) for service in group]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def kill(self) -> None:
        """Kill all services."""
        self._stopping.set()
        for service in self.services:
            service.kill()

    def _supervise(self, service: Service) -> None:
        while True:
            ending = service.wait()
            if self._stopping.is_set():
                return
            plan = (
                f"restarting in {service.restart_delay:g} s"
                if service.restart_delay
                else "restarting"
            )
            where = f" (see {service.log})" if service.log else ""
            self._report.warn(f"{service.name} {ending}; {plan}{where}")
            if self._stopping.wait(service.restart_delay) or not self._restart(service):
                return

    def _restart(self, service: Service) -> bool:
        """Start a service, retrying until it starts; False if the system stops meanwhile."""
        while not self._stopping.is_set():
            try:
                service.start()
            except Exception as error:
                service.failures += 1
                self._report.warn(f"{service.name} does not start: {_reason(error)}")
                self._stopping.wait(service.restart_delay)
                continue
            self._report.done(f"{service.name} runs again (pid {service.pid})")
            self._report_change()
            return True
        return False

    def _report_change(self) -> None:
        try:
            self._on_change()
        except Exception as error:
            self._report.warn(f"the new pid is not noted: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{os_error_text(error)}."
    return str(error) or type(error).__name__
