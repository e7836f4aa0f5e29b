"""Keeps services running: who dies is started again, at once at first, then more and more slowly.

Every service has a thread that waits for its end. `Supervisor.stop` ends all of them in the order
in which they depend on one another.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.embedded.errors import EmbeddedError
from infra.embedded.process import Child, stop
from infra.supervisor.console import Screen

STEADY_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 30.0


class Service:
    """One process that is to run always.

    Args:
        name: As in `run.json`.
        start: Starts it, and returns when it can be used.
        stop_signal: Asks it to end.
        grace: Seconds for a tidy end before it is killed.
        log: File to look into when it fails.
    """

    def __init__(
        self, name: str, start: Callable[[], Child], stop_signal: int, grace: float, log: Path
    ) -> None:
        self.name, self.log = name, log
        self.failures = 0
        self._start, self._signal, self._grace = start, stop_signal, grace
        self._child: Child | None = None
        self._since = 0.0

    @property
    def pid(self) -> int | None:
        """The process itself, also when it has just died."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start it."""
        self._child = self._start()
        self._since = time.monotonic()

    def wait(self) -> str:
        """Wait for its end, and say how it ended."""
        assert self._child
        code = self._child.wait()
        if time.monotonic() - self._since > STEADY_SECONDS:
            self.failures = 0
        self.failures += 1
        return f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"

    @property
    def pause(self) -> float:
        """Seconds before the next start: none after the first failure, then ever more."""
        return min(0.5 * 2.0 ** (self.failures - 1), LONGEST_PAUSE_SECONDS) - 0.5

    def stop(self) -> None:
        """End it tidily, or by force when it takes too long."""
        if self._child:
            stop(self._child, self._signal, self._grace)

    def kill(self) -> None:
        """End it at once."""
        if self._child and self._child.poll() is None:
            self._child.kill()


class Supervisor:
    """Looks after services until it is told to stop."""

    def __init__(self, screen: Screen, on_change: Callable[[], None]) -> None:
        """Tell a person through `screen`, and call `on_change` after each start."""
        self._screen, self._on_change = screen, on_change
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
        """A service that does not stay up."""
        return next((service for service in self.services if service.failures >= 3), None)

    def stop(self, order: Sequence[Sequence[str]]) -> None:
        """End all services, group after group; those of one group at once."""
        self._stopping.set()
        for names in order:
            group = [service for service in self.services if service.name in names]
            threads = [threading.Thread(target=service.stop) for service in group]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def kill(self) -> None:
        """End all services at once."""
        self._stopping.set()
        for service in self.services:
            service.kill()

    def _supervise(self, service: Service) -> None:
        while True:
            how = service.wait()
            if self._stopping.is_set():
                return
            again = f"starting it again in {service.pause:g} s" if service.pause else "restarting"
            self._screen.warn(f"{service.name} {how}; {again} (see {service.log})")
            if self._stopping.wait(service.pause) or not self._restart(service):
                return

    def _restart(self, service: Service) -> bool:
        """Start a service until that works; False when the system stops meanwhile."""
        while not self._stopping.is_set():
            try:
                service.start()
            except (EmbeddedError, OSError, subprocess.SubprocessError) as error:
                service.failures += 1
                self._screen.warn(f"{service.name}: {error}")
                self._stopping.wait(service.pause)
                continue
            self._on_change()
            self._screen.done(f"{service.name} runs again (pid {service.pid})")
            return True
        return False
