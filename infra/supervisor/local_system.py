"""The servers and services of one data folder: started in order, watched, stopped in order."""

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import httpx

from infra.embedded import ports
from infra.embedded.errors import EmbeddedError, os_error_text
from infra.embedded.orphan_guardian import Guardian
from infra.embedded.ports import LOOPBACK, is_free
from infra.settings import Settings, local_url
from infra.supervisor.console import Screen
from infra.supervisor.data_folder import DataFolder, RunInfo
from infra.supervisor.embedded_servers import EmbeddedServers
from infra.supervisor.services.service_process import service_environment, service_process
from infra.supervisor.signals import StopRequested, StopSignals
from infra.supervisor.supervisor import Supervisor
from schemas.channels import ServiceName

SERVICES = (ServiceName.API, ServiceName.WORKER, ServiceName.PUBLISHER, ServiceName.MAILER)
STOP_ORDER = (SERVICES, ("kafka",), ("postgres",))

LoadDemo = Callable[[str], None]
"""Loads the demo content through the API at a URL."""


class StartSteps(NamedTuple):
    """What a start needs from the packages above `infra`.

    Attributes:
        prepare: Creates tables, topics and the local token, once both servers answer.
        demo: Entered before the services start; left when the demo content is loaded.
        command: Returns the command of a service.
    """

    prepare: Callable[[Settings, DataFolder, Screen], None]
    demo: Callable[[Settings, DataFolder, Screen], AbstractContextManager[LoadDemo]]
    command: Callable[[str], list[str]]


def run_until_stopped(system: "LocalSystem", screen: Screen) -> None:
    """Start a system, keep it running until a signal arrives, and end it.

    Raises:
        VerdictsError: The system cannot start. Everything that had been started has ended.
    """
    signals = StopSignals(system.kill)
    try:
        signals.listen()
        system.start()
        system.watch()
    except StopRequested:
        screen.say()
        screen.say("  Stopping …")
    finally:
        signals.stopping = True
        system.stop()
    screen.done("Everything has ended", None)


class LocalSystem:
    """Everything that runs on one data folder."""

    def __init__(self, settings: Settings, screen: Screen, steps: StartSteps) -> None:
        """Prepare; `start` starts the processes.

        Raises:
            SettingsError: A server is external and a key is missing.
            EmbeddedError: The data folder cannot be created.
        """
        if settings.kafka or settings.database_url:
            settings.with_keys()
        self._settings, self._screen, self._steps = settings, screen, steps
        self._created = time.monotonic()
        self._folder = DataFolder(settings.data)
        self._logs = settings.data / "logs"
        self._supervisor = Supervisor(screen, self._write_run)
        self._guardian: Guardian | None = None
        self._postgres_home: str | None = None
        self._metrics: dict[str, str] = {}
        self._run_lock = threading.Lock()
        self._run_is_stale = False

    def start(self) -> None:
        """Start servers, then services; return when a vote sent now would reach a page."""
        self._screen.say(f"Verdicts · data folder: {self._settings.data}")
        lock = self._folder.lock()
        for line in self._folder.make_private():
            self._screen.warn(line)
        self._folder.remove_run()
        self._require_port()
        self._guardian = Guardian(keep_open=(lock,))
        self._start_servers(self._guardian)
        self._steps.prepare(self._settings, self._folder, self._screen)
        self._metrics = self._choose_metrics_addresses()
        with self._steps.demo(self._settings, self._folder, self._screen) as load_demo:
            self._start_services(self._guardian)
            self._await("/healthz", "Waiting for the API")
            load_demo(self._url)
        with self._screen.step("Waiting until a vote would reach a page") as step:
            self._await("/status", "Waiting until a vote would reach a page")
            step.result = "API, worker and publisher are ready"
        self._greet()

    def watch(self) -> None:
        """Block until a signal raises; meanwhile the supervisor's threads restart services."""
        while True:
            self._restart_guardian()
            self._write_stale_run()
            time.sleep(1)

    def stop(self) -> None:
        """Stop everything in order: services, Kafka, PostgreSQL."""
        self._supervisor.stop(STOP_ORDER)
        if self._guardian:
            self._guardian.close()
            self._folder.remove_run()

    def kill(self) -> None:
        """Kill everything at once."""
        self._supervisor.kill()

    @property
    def _url(self) -> str:
        return local_url(self._settings.host, self._settings.port)

    def _require_port(self) -> None:
        host, port = self._settings.host, self._settings.port
        if not is_free(host, port):
            raise EmbeddedError(
                f"{host}:{port} cannot be listened on, most likely because another program uses "
                f"it; choose another port, such as VERDICTS_PORT={port % 65535 + 1}."
            )

    def _start_servers(self, guardian: Guardian) -> None:
        servers = EmbeddedServers(self._settings, self._screen, self._supervisor, guardian.spawn)
        self._settings = self._folder.with_keys(servers.start())
        self._folder.write_kafka_properties(self._settings)
        self._postgres_home = servers.postgres_home

    def _choose_metrics_addresses(self) -> dict[str, str]:
        """Choose a loopback port on which each service but the API serves its metrics."""
        names = [name for name in SERVICES if name != ServiceName.API]
        chosen = ports.choose(self._settings.data, *(f"{name}_metrics" for name in names))
        ports.remember(self._settings.data, chosen)
        return {name: f"{LOOPBACK}:{chosen[f'{name}_metrics']}" for name in names}

    def _start_services(self, guardian: Guardian) -> None:
        # An embedded broker serves this system alone, so instance names cannot collide.
        embedded_kafka = "kafka" in self._pids()
        for name in SERVICES:
            environment = service_environment(
                self._settings,
                metrics=self._metrics.get(name, ""),
                instance=f"{name}-1" if embedded_kafka else "",
            )
            command, log = self._steps.command(name), self._logs / f"{name}.log"
            self._supervisor.run(
                service_process(name, command, environment, log, self._screen, guardian.spawn)
            )
        self._write_run()

    def _pids(self) -> dict[str, int]:
        return {service.name: service.pid or 0 for service in self._supervisor.services}

    def _restart_guardian(self) -> None:
        """Restart a dead guardian; one that cannot start is tried again a second later."""
        assert self._guardian
        try:
            if self._guardian.restart_if_dead():
                self._screen.warn("the guardian process died and was restarted")
        except OSError as error:
            self._screen.warn(f"the guardian process does not start: {os_error_text(error)}.")

    def _write_stale_run(self) -> None:
        """Write `run.json` again after a failure, as on a disk that was full."""
        if self._run_is_stale:
            with contextlib.suppress(OSError):
                self._write_run()
                self._screen.done("run.json names the running processes again")

    def _write_run(self) -> None:
        """Write `run.json`; several threads may call it.

        Raises:
            OSError: The file cannot be written; `watch` tries again.
        """
        with self._run_lock:
            self._run_is_stale = True
            self._folder.write_run(self._describe_run())
            self._run_is_stale = False

    def _describe_run(self) -> RunInfo:
        pids = self._pids()
        return RunInfo(
            url=self._url,
            kafka=self._settings.kafka,
            database=self._settings.database_url,
            pids={name: pids.get(name) for name in ("kafka", "postgres", *SERVICES)},
            postgres_home=self._postgres_home,
            public_url=self._settings.public_url,
            metrics={
                ServiceName.API: f"{self._url}/metrics",
                **{name: f"http://{at}/metrics" for name, at in self._metrics.items()},
            },
        )

    def _await(self, path: str, what: str) -> None:
        """Return when `path` answers 200.

        Raises:
            EmbeddedError: A service keeps failing.
        """
        self._screen.show("await", what)
        with httpx.Client(base_url=self._url, timeout=5, trust_env=False) as client:
            while (reason := _why_not(client, path)) is not None:
                self._screen.show("await", f"{what}: {reason}" if reason else what)
                if failing := self._supervisor.failing:
                    raise EmbeddedError(
                        f"The {failing.name} keeps failing; the reason is in {failing.log}."
                    )
                time.sleep(0.05)
        self._screen.show("await", "")

    def _greet(self) -> None:
        seconds = time.monotonic() - self._created
        self._screen.say()
        self._screen.say(f"  {self._settings.public_url}/", "bold")
        self._screen.say(
            f"  ready after {seconds:.1f} s · Ctrl-C ends it · logs are in {self._logs}"
        )
        self._screen.say()


def _why_not(client: httpx.Client, path: str) -> str | None:
    """Return None after an answer 200, else the first reason that `/status` gives, or nothing."""
    try:
        response = client.get(path)
        return None if response.status_code == 200 else str(response.json()["reasons"][0])
    except (httpx.TransportError, ValueError, LookupError, TypeError):
        return ""
