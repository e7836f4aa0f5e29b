"""`verdicts up`: everything on one machine, from an empty folder to a page that answers."""

import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import httpx
import msgspec

from infra.cli.services.bootstrap import ensure_admin_token, freezers_waiting, load_demo, migrate
from infra.embedded import ports
from infra.embedded.errors import EmbeddedError
from infra.embedded.guardian import Guardian
from infra.embedded.kafka.jars import class_path
from infra.embedded.kafka.java import java
from infra.embedded.kafka.server import Kafka
from infra.embedded.ports import LOOPBACK, is_free
from infra.embedded.postgres.server import Postgres
from infra.embedded.process import Child
from infra.kafka import topics
from infra.settings import Settings, local_url
from infra.supervisor.console import Screen
from infra.supervisor.data_folder import DataFolder, RunInfo
from infra.supervisor.service_output import ServiceOutput
from infra.supervisor.services import Service, Supervisor
from schemas.channels import ServiceName
from schemas.topics import TOPICS

SERVICES = (ServiceName.API, ServiceName.WORKER, ServiceName.PUBLISHER)
STOP_ORDER = (SERVICES, ("kafka",), ("postgres",))
SERVICE_GRACE, KAFKA_GRACE, POSTGRES_GRACE = 7.0, 4.0, 2.0


class Stopped(BaseException):
    """Somebody asked us to stop; raised in the main thread, wherever that is."""


def command(service: str) -> list[str]:
    """How a service is started as a process of its own."""
    return [sys.executable, "-P", "-m", "infra.cli", service]


def up(settings: Settings, screen: Screen, command: Callable[[str], list[str]] = command) -> None:
    """Start everything, keep it running, and end it when asked to.

    Args:
        settings: What this run was told.
        screen: Where a person watches.
        command: How to start `api`, `worker` and `publisher`.

    Raises:
        EmbeddedError, SettingsError, TopicsError, DatabaseUnfitError: One sentence that says why
            the system cannot start; by then nothing of it runs any more.
    """
    if settings.kafka or settings.database_url:
        settings.with_keys()
    system = LocalSystem(settings, screen, command)
    signals = Signals(system.kill)
    try:
        signals.listen()
        system.start()
        system.watch()
    except Stopped:
        screen.say()
        screen.say("  Stopping …")
    finally:
        signals.stopping = True
        system.stop()
    screen.done("Everything has ended", None)


class Signals:
    """Ctrl-C and SIGTERM: the first asks for a tidy end, a second Ctrl-C for one at once."""

    def __init__(self, force: Callable[[], None]) -> None:
        """Call `force` at a second Ctrl-C."""
        self.stopping = False
        self._first = 0.0
        self._force = force

    def listen(self) -> None:
        """From now on a signal raises `Stopped` in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._receive)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if not self.stopping:
            self.stopping, self._first = True, time.monotonic()
            raise Stopped
        # One Ctrl-C can arrive twice: from the terminal, and passed on by whoever started us.
        if number == signal.SIGINT and time.monotonic() - self._first > 0.5:
            self._force()


class LocalSystem:
    """The servers and services of one data folder."""

    def __init__(
        self, settings: Settings, screen: Screen, command: Callable[[str], list[str]]
    ) -> None:
        """Prepare; nothing is started yet."""
        self.settings, self.screen, self.command = settings, screen, command
        self.started = time.monotonic()
        self.folder = DataFolder(settings.data)
        self.logs = settings.data / "logs"
        self.keeper = Supervisor(screen, self._write_run)
        self.outputs: dict[str, ServiceOutput] = {}
        self.guardian: Guardian | None = None
        self.postgres: Postgres | None = None
        self.metrics: dict[str, str] = {}

    def start(self) -> None:
        """Start servers, then services, and return when a vote sent now would reach a page."""
        self.screen.say(f"Verdicts · everything is kept in {self.settings.data}")
        lock = self.folder.lock()
        self.folder.forget_run()
        self._require_port()
        self.guardian = Guardian(keep_open=(lock,))
        self._start_servers()
        self._prepare()
        self.metrics = self._choose_metrics_ports()
        with freezers_waiting(self.settings, self.folder):
            for name in SERVICES:
                self._start_service(name)
            self._write_run()
            self._await("/healthz", "Waiting for the API")
            if self.settings.demo:
                load_demo(self.settings, self.folder, self._url, self.screen)
        with self.screen.step("Waiting until a vote would reach a page") as step:
            self._await("/status", "Waiting until a vote would reach a page")
            step.result = "API, worker and publisher are ready"
        self._greet()

    def watch(self) -> None:
        """Stay until a signal comes; services are kept by their threads meanwhile."""
        assert self.guardian
        while True:
            if self.guardian.renew():
                self.screen.warn("the guardian was ended and runs again")
            time.sleep(1)

    def stop(self) -> None:
        """End everything that was started, in order."""
        self.keeper.stop(STOP_ORDER)
        if self.guardian:
            self.guardian.close()
            self.folder.forget_run()

    def kill(self) -> None:
        """End everything at once."""
        self.keeper.kill()

    @property
    def _url(self) -> str:
        return local_url(self.settings.host, self.settings.port)

    def _require_port(self) -> None:
        host, port = self.settings.host, self.settings.port
        if not is_free(host, port):
            raise EmbeddedError(
                f"{host}:{port} cannot be listened on, most likely because another program does; "
                f"choose another port, such as VERDICTS_PORT={port % 65535 + 1}."
            )

    def _start_servers(self) -> None:
        """Start both at once; each says for itself how it gets on."""
        assert self.guardian
        starts = []
        if not self.settings.database_url:
            starts.append(self._start_postgres)
        if not self.settings.kafka:
            starts.append(self._start_kafka)
        _together(*starts)
        self.settings = self.folder.keys(self.settings)

    def _start_postgres(self) -> None:
        assert self.guardian
        spawn = self.guardian.spawn
        with self.screen.step("Starting PostgreSQL") as step:
            server = self.postgres = Postgres(self.settings.data)
            log = self.logs / "postgres.log"
            self._keep("postgres", lambda: server.start(spawn), server.stop_signal, log)
            step.result = f"PostgreSQL on {server.address.rpartition('@')[2]}"
        self.settings = msgspec.structs.replace(self.settings, database_url=server.address)

    def _start_kafka(self) -> None:
        assert self.guardian
        spawn = self.guardian.spawn
        with self.screen.step("Looking for Kafka") as step:
            jars = class_path(self.settings.data, Downloads(step.update))
            step.update("Starting Kafka")
            server = Kafka(self.settings.data, java(), jars)
            log = self.logs / "kafka.log"
            self._keep("kafka", lambda: server.start(spawn), server.stop_signal, log)
            step.result = f"Kafka on {server.address}"
        self.settings = msgspec.structs.replace(self.settings, kafka=server.address)

    def _prepare(self) -> None:
        """Bring tables, topics and the local token into being."""
        with self.screen.step("Migrating the database") as step:
            step.result = f"Database at revision {migrate(self.settings)}"
        with self.screen.step("Applying the topics") as step:
            applied = topics.apply(self.settings, TOPICS)
            step.result = f"{len(applied.created)} topics created, {len(applied.found)} found"
        for difference in applied.differences:
            self.screen.warn(difference)
        ensure_admin_token(self.settings, self.folder.token)

    def _choose_metrics_ports(self) -> dict[str, str]:
        """Where worker and publisher serve their metrics: on this machine alone."""
        names = [name for name in SERVICES if name != ServiceName.API]
        chosen = ports.choose(self.settings.data, *(f"{name}_metrics" for name in names))
        ports.remember(self.settings.data, chosen)
        return {name: f"{LOOPBACK}:{chosen[f'{name}_metrics']}" for name in names}

    def _start_service(self, name: str) -> None:
        output = ServiceOutput(name, self.logs / f"{name}.log", self.screen)
        environment = self._environment(name)

        def start() -> Child:
            assert self.guardian
            child = self.guardian.spawn(
                self.command(name),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            assert child.stdout
            output.follow(child.stdout)
            return child

        self._keep(name, start, signal.SIGTERM, self.logs / f"{name}.log")

    def _keep(self, name: str, start: Callable[[], Child], number: int, log: Path) -> None:
        graces = {"kafka": KAFKA_GRACE, "postgres": POSTGRES_GRACE}
        service = Service(name, start, number, graces.get(name, SERVICE_GRACE), log)
        service.start()
        self.keeper.supervise(service)

    def _environment(self, name: str) -> dict[str, str]:
        """What a service is told: real servers, both keys, and its own name."""
        it = self.settings
        # With a broker of its own no other system can have a replica of that name.
        instance = {} if "kafka" not in self._pids() else {"VERDICTS_INSTANCE": f"{name}-1"}
        return {
            **os.environ,
            **_same_packages(),
            **instance,
            "VERDICTS_DATA": str(it.data),
            "VERDICTS_SECRET_KEY": ",".join(it.secret_keys),
            "VERDICTS_VOTER_KEY": it.voter_key,
            "KAFKA_BOOTSTRAP_SERVERS": it.kafka,
            "DATABASE_URL": it.database_url,
            "PYTHONUNBUFFERED": "1",
            **({"VERDICTS_METRICS": self.metrics[name]} if name in self.metrics else {}),
        }

    def _pids(self) -> dict[str, int]:
        return {service.name: service.pid or 0 for service in self.keeper.services}

    def _write_run(self) -> None:
        pids = self._pids()
        home = str(self.postgres.home.cluster) if self.postgres else None
        self.folder.write_run(
            RunInfo(
                url=self._url,
                kafka=self.settings.kafka,
                database=self.settings.database_url,
                pids={name: pids.get(name) for name in ("kafka", "postgres", *SERVICES)},
                postgres_home=home,
                public_url=self.settings.public_url,
                metrics={
                    ServiceName.API: f"{self._url}/metrics",
                    **{name: f"http://{at}/metrics" for name, at in self.metrics.items()},
                },
            )
        )

    def _await(self, path: str, what: str) -> None:
        """Return when `path` answers 200; services that do not stay up end the wait."""
        self.screen.doing("await", what)
        with httpx.Client(base_url=self._url, timeout=5, trust_env=False) as client:
            while not _is_200(client, path):
                if failing := self.keeper.failing:
                    raise EmbeddedError(
                        f"The {failing.name} does not stay up; see why in {failing.log}."
                    )
                time.sleep(0.05)
        self.screen.doing("await", "")

    def _greet(self) -> None:
        seconds = time.monotonic() - self.started
        self.screen.say()
        self.screen.say(f"  {self.settings.public_url}/", "bold")
        self.screen.say(f"  ready after {seconds:.1f} s · Ctrl-C ends it · logs in {self.logs}")
        self.screen.say()


class Downloads:
    """Adds up what arrives from several threads, and says so ten times a second at most."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Tell through `say`."""
        self._say = say
        self._here: dict[str, int] = {}
        self._last = 0.0

    def __call__(self, name: str, here: int, _total: int) -> None:
        """Take note of one file's progress."""
        self._here[name] = here
        if time.monotonic() - self._last > 0.1:
            self._last = time.monotonic()
            megabytes = sum(self._here.copy().values()) / 1e6
            self._say(f"Downloading Kafka, once: {megabytes:.0f} of 46 MB")


def _together(*jobs: Callable[[], None]) -> None:
    """Run jobs at once in threads that do not hold up a stop; the first failure is raised."""
    failures: list[Exception] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and not failures:
        time.sleep(0.02)
    if failures:
        raise failures[0]


def _same_packages() -> dict[str, str]:
    """Services import the packages that we imported, whatever else lies around."""
    root = Path(__file__).parents[3]
    installed = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    return {} if root in installed else {"PYTHONPATH": str(root)}


def _is_200(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx.TransportError:
        return False
