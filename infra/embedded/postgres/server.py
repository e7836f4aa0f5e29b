"""One PostgreSQL from a wheel, on loopback, with a password that was made for it."""

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
from infra.embedded.errors import EmbeddedError, PortTakenError
from infra.embedded.postgres import location
from infra.embedded.process import Child, Spawn, identify, spawn
from infra.embedded.process import end as end_processes
from infra.embedded.secret_file import keep
from infra.embedded.startup_log import StartupLog

USER = DATABASE = "verdicts"
START_SECONDS = 60

_SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_line_prefix": "%m [%p] %a ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres:
    """The server of one data folder, which can be started again and again."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast": end the sessions, write everything down, stop

    def __init__(self, data: Path) -> None:
        """Keep the cluster in the data folder, or where `home` says that it must live."""
        self.data = data
        self.home = location.find(data)
        self._password = keep(data / "postgres.password", secrets.token_urlsafe(24))
        self._port = 0

    @property
    def address(self) -> str:
        """`postgresql://…` with user and password."""
        return self._url(DATABASE)

    def start(self, spawn: Spawn = spawn) -> Child:
        """Start the server and return once it takes a connection.

        The port of the first start is kept for the later ones, since clients know it.

        Raises:
            EmbeddedError: With one sentence that says why, after it was ended.
        """
        self._initialise(spawn)
        self._end_leftover()
        attempts = 1 if self._port else 5
        for attempt in range(attempts):
            chosen = {"postgres": self._port} if self._port else ports.choose(self.data, "postgres")
            try:
                child = self._start(chosen["postgres"], spawn)
            except PortTakenError:
                if attempt == attempts - 1:
                    raise
                continue
            ports.remember(self.data, chosen)
            return child
        raise AssertionError("the last attempt returns or raises")

    def _start(self, port: int, spawn: Spawn) -> Child:
        settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        log = StartupLog(self.data / "logs" / "postgres.log")
        program = str(self.home.programs / "postgres")
        with log.file:
            child = spawn(
                [program, "-D", str(self.home.cluster), "-p", str(port), *settings],
                stop_signal=self.stop_signal,
                **self._options(log),
            )
        before, self._port = self._port, port
        try:
            self._wait(child, log)
        except BaseException:
            self._port = before
            child.send_signal(signal.SIGQUIT)
            child.wait()
            raise
        return child

    def _wait(self, child: Child, log: StartupLog) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if child.poll() is not None:
                raise log.explain(self.name, self.data)
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL did not answer within {START_SECONDS} s; what it says stands in "
                    f"{log.path}."
                )
            time.sleep(0.03)

    def _answers(self) -> bool:
        """Whether our database takes a connection; the first time it is made."""
        try:
            with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=5) as it:
                query = "select 1 from pg_database where datname = %s"
                if not it.execute(query, [DATABASE]).fetchone():
                    it.execute(f"create database {DATABASE}")
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EmbeddedError(
                    f"{self.data / 'postgres.password'} is not the password of the database beside "
                    "it; put the right one back, or delete the data folder to start anew."
                ) from error
            return False
        return True

    def _url(self, database: str) -> str:
        where = f"{ports.LOOPBACK}:{self._port}"
        return f"postgresql://{USER}:{self._password}@{where}/{database}"

    def _initialise(self, spawn: Spawn) -> None:
        """Make the cluster; an interrupted attempt leaves no `PG_VERSION` of ours and goes."""
        done = self.home.cluster / "verdicts.initialised"
        if done.exists():
            return
        self._clear()
        log = StartupLog(self.data / "logs" / "postgres.log")
        command = [
            str(self.home.programs / "initdb"),
            *("-D", str(self.home.cluster), "-U", USER, "--auth=scram-sha-256"),
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
        done.touch()

    def _clear(self) -> None:
        """Empty what an interrupted `initdb` left; it refuses a folder that is not empty."""
        self.home.cluster.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self.home.cluster.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    @contextmanager
    def _password_file(self) -> Iterator[Path]:
        """The password in a file that the server's user can read, for as long as it is needed."""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self._password)
            file.flush()
            if self.home.owner:
                os.fchown(file.fileno(), *self.home.owner)
            yield Path(file.name)

    def _end_leftover(self) -> None:
        """End a server that outlived its run, and forget one whose pid is somebody else's now."""
        note = self.home.cluster / "postmaster.pid"
        try:
            lines = note.read_text().splitlines()
            left = identify(int(lines[0]), signal.SIGINT)
        except (FileNotFoundError, ValueError, IndexError):
            return
        if left and left.process and "postgres" in left.process.name():
            end_processes([left], grace=5)
        note.unlink(missing_ok=True)

    def _options(self, log: StartupLog) -> dict[str, object]:
        owner = self.home.owner.options if self.home.owner else {}
        streams = {"stdin": subprocess.DEVNULL, "stdout": log.file, "stderr": log.file}
        return {**owner, **streams, "cwd": "/"}
