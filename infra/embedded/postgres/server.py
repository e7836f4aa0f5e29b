"""One PostgreSQL from a wheel, on loopback, with a generated password."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from infra.embedded import ports
from infra.embedded.environment import server_environment
from infra.embedded.errors import EmbeddedError, PortTakenError
from infra.embedded.postgres import location
from infra.embedded.private_file import read_or_create
from infra.embedded.process import Child, Spawn, end_all, identify, spawn
from infra.embedded.startup_log import StartupLog

USER = DATABASE = "verdicts"
START_SECONDS = 60
NEW_PORT_ATTEMPTS = 5
MAX_CONNECTIONS = 200

_SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "log_line_prefix": "%m [%p] %a ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres:
    """The database server of one data folder; it can be started repeatedly."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast" shutdown: end sessions, write a checkpoint, stop

    def __init__(self, data: Path, max_connections: int = MAX_CONNECTIONS) -> None:
        """Keep the cluster where `location` finds room for it."""
        self.data = data
        self._settings = {**_SETTINGS, "max_connections": str(max_connections)}
        self.location = location.locate(data)
        self._password = read_or_create(data / "postgres.password", secrets.token_urlsafe(24))
        self._port = 0

    @property
    def address(self) -> str:
        """`postgresql://…` with user and password."""
        return self._url(DATABASE)

    def start(self, spawn: Spawn = spawn) -> Child:
        """Start the server, and return when it accepts a connection.

        Later starts use the port of the first one, because clients know it.

        Raises:
            EmbeddedError: The server did not start. Its process has ended.
        """
        self._initialise(spawn)
        self._end_leftover()
        first = not self._port
        attempts = NEW_PORT_ATTEMPTS if first else 1
        for attempt in range(attempts):
            chosen = ports.choose(self.data, "postgres") if first else {"postgres": self._port}
            try:
                child = self._start(chosen["postgres"], spawn)
            except PortTakenError:
                if attempt == attempts - 1:
                    raise
                continue
            if first:
                ports.remember(self.data, chosen)
            return child
        raise AssertionError("the last attempt returns or raises")

    def _start(self, port: int, spawn: Spawn) -> Child:
        settings = [f"-c{name}={value}" for name, value in self._settings.items()]
        log = StartupLog(self.data / "logs" / "postgres.log")
        program = str(self.location.programs / "postgres")
        with log.file:
            child = spawn(
                [program, "-D", str(self.location.cluster), "-p", str(port), *settings],
                stop_signal=self.stop_signal,
                **self._options(log),
            )
        previous, self._port = self._port, port
        try:
            self._await_ready(child, log)
        except BaseException:
            self._port = previous
            child.send_signal(signal.SIGQUIT)
            child.wait()
            raise
        return child

    def _await_ready(self, child: Child, log: StartupLog) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if child.poll() is not None:
                raise log.explain(self.name, self.data)
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL did not answer within {START_SECONDS} s; "
                    f"its output is in {log.path}."
                )
            time.sleep(0.03)

    def _answers(self) -> bool:
        """Return whether the database accepts a connection; a missing database is created."""
        try:
            with psycopg.connect(
                self._url("postgres"), autocommit=True, connect_timeout=5
            ) as session:
                query = "select 1 from pg_database where datname = %s"
                if not session.execute(query, [DATABASE]).fetchone():
                    session.execute(f"create database {DATABASE}")
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EmbeddedError(
                    f"{self.data / 'postgres.password'} is not the password of the database next "
                    "to it; restore the right one, or delete the data folder to start over."
                ) from error
            return False
        return True

    def _url(self, database: str) -> str:
        where = f"{ports.LOOPBACK}:{self._port}"
        return f"postgresql://{USER}:{self._password}@{where}/{database}"

    def _initialise(self, spawn: Spawn) -> None:
        """Create the cluster, unless an earlier start completed it; replace an incomplete one."""
        completed = self.location.cluster / "verdicts.initialised"
        if completed.exists():
            return
        self._empty_cluster()
        log = StartupLog(self.data / "logs" / "postgres.log")
        command = [
            str(self.location.programs / "initdb"),
            *("-D", str(self.location.cluster), "-U", USER, "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
            *("--builtin-locale=C.UTF-8", "--no-instructions"),
        ]
        with log.file, self._password_file() as file:
            failed = spawn(
                [*command, f"--pwfile={file}"],
                stop_signal=signal.SIGTERM,
                **self._options(log),
            ).wait()
        if failed:
            raise log.explain(self.name, self.data)
        completed.touch()

    def _empty_cluster(self) -> None:
        """Empty the folder: `initdb` refuses one with files of an interrupted attempt."""
        self.location.cluster.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self.location.cluster.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextmanager
    def _password_file(self) -> Iterator[Path]:
        """Provide the password in a temporary file that the server's user can read."""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self._password)
            file.flush()
            if self.location.user:
                os.fchown(file.fileno(), *self.location.user)
            yield Path(file.name)

    def _end_leftover(self) -> None:
        """End a server that outlived its supervisor, unless its pid has another owner now."""
        pid_file = self.location.cluster / "postmaster.pid"
        try:
            lines = pid_file.read_text().splitlines()
            leftover = identify(int(lines[0]), signal.SIGINT)
        except (FileNotFoundError, ValueError, IndexError):
            return
        if leftover and leftover.process and "postgres" in leftover.process.name():
            end_all([leftover], grace=5)
        pid_file.unlink(missing_ok=True)

    def _options(self, log: StartupLog) -> dict[str, object]:
        owner = self.location.user.options if self.location.user else {}
        streams = {"stdin": subprocess.DEVNULL, "stdout": log.file, "stderr": log.file}
        return {**owner, **streams, "cwd": "/", "env": server_environment(os.environ)}
