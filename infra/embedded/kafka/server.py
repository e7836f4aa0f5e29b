"""One Kafka node in KRaft mode: broker and controller in one process, all on loopback."""

import base64
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from confluent_kafka import KafkaException

from infra.embedded import ports
from infra.embedded.environment import server_environment
from infra.embedded.errors import EmbeddedError, PortTakenError, UnknownPasswordError
from infra.embedded.kafka.configuration import JVM_OPTIONS, PROPERTIES
from infra.embedded.kafka.credentials import Credentials
from infra.embedded.kafka.readiness import (
    PasswordCheck,
    answers,
    client_settings,
    coordinates_groups,
    eager_admin,
    listens,
)
from infra.embedded.private_file import write_private
from infra.embedded.process import Child, Identity, Spawn, end_all, identify, spawn
from infra.embedded.startup_log import StartupLog

STOP_SIGNAL = signal.SIGTERM
START_SECONDS = 90
NEW_PORT_ATTEMPTS = 5


class Kafka:
    """The broker of one data folder; it can be started repeatedly."""

    name = "Kafka"
    stop_signal = STOP_SIGNAL

    def __init__(
        self,
        data: Path,
        java: Path,
        jars: list[Path],
        *,
        cluster: str = "",
        properties: Mapping[str, str] | None = None,
        authenticate: bool = True,
    ) -> None:
        """Keep all files in `data/kafka`, and the output in `data/logs/kafka.log`.

        Args:
            data: The data folder.
            java: The `java` program.
            jars: Kafka's class path.
            cluster: The id that all nodes of a cluster share; empty for a single node.
            properties: Server properties of this node that override or extend the defaults.
            authenticate: Whether clients need the password of the data folder.
        """
        self.data = data
        self.folder = data / "kafka"
        self._cluster = cluster or new_cluster_id()
        self._alone = not cluster
        self._properties = dict(properties or {})
        self._credentials = Credentials(self.folder / "password") if authenticate else None
        self._java = [str(java), *JVM_OPTIONS, "-cp", ":".join(map(str, jars))]
        self._pid_file = self.folder / "process.json"
        self._ports: dict[str, int] = {}

    @property
    def address(self) -> str:
        """`host:port` for `bootstrap.servers`."""
        return _address(self._ports)

    @property
    def security(self) -> dict[str, str]:
        """Librdkafka properties of a client beside its `bootstrap.servers`."""
        return self._credentials.of_client if self._credentials else {}

    def start(self, spawn: Spawn = spawn) -> Child:
        """Start the broker, and return when it answers a client's request for metadata.

        Later starts use the ports of the first one, because clients know them.

        Raises:
            EmbeddedError: The broker did not start. Its process has ended.
        """
        attempts = 1 if self._ports else NEW_PORT_ATTEMPTS
        for attempt in range(attempts):
            chosen = self._ports or ports.choose(self.data, "kafka", "kafka_controller")
            try:
                child = self._start_with_password(chosen, spawn)
            except PortTakenError:
                if attempt == attempts - 1:
                    raise
                continue
            if not self._ports:
                ports.remember(self.data, chosen)
            self._ports = chosen
            return child
        raise AssertionError("the last attempt returns or raises")

    def _start_with_password(self, chosen: dict[str, int], spawn: Spawn) -> Child:
        """Start the broker; if it does not know the password, again with a new one."""
        try:
            return self._start(chosen, spawn)
        except UnknownPasswordError:
            assert self._credentials
            self._credentials.forget()
            return self._start(chosen, spawn)

    def _start(self, chosen: dict[str, int], spawn: Spawn) -> Child:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        self._empty_scratch()
        if self._credentials:
            self._credentials.prepare(formatted=self._is_formatted)
        self._write_properties(chosen)
        log = StartupLog(self.data / "logs" / "kafka.log")
        with log.file:
            self._format(log, spawn)
            child = spawn(
                [*self._java, "kafka.Kafka", "server.properties"],
                stop_signal=self.stop_signal,
                cwd=self.folder,
                env=server_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=log.file,
                stderr=log.file,
            )
        try:
            self._note_pid(child)
            if self._credentials and not self._credentials.installed:
                self._install_credentials(self._credentials, child, chosen, log)
            elif self._credentials and not self._ports:
                self._check_password(child, chosen, log)
            self._await_ready(child, chosen, log)
        except BaseException:
            child.kill()
            child.wait()
            raise
        return child

    def _write_properties(self, chosen: dict[str, int]) -> None:
        """Write `server.properties` if it differs: a restart needs no room on the disk."""
        file = self.folder / "server.properties"
        text = PROPERTIES.format(
            host=ports.LOOPBACK,
            broker=chosen["kafka"],
            controller=chosen["kafka_controller"],
            protocol="SASL_PLAINTEXT" if self._credentials else "PLAINTEXT",
        )
        security = self._credentials.of_server if self._credentials else {}
        for name, value in (security | self._properties).items():
            text += f"{name}={value}\n"  # the last line for a name wins
        if not file.exists() or file.read_text() != text:
            write_private(file, text)

    def _note_pid(self, child: Child) -> None:
        """Record the process for `_end_leftover`; a full disk does not prevent the start."""
        with suppress(OSError):
            write_private(self._pid_file, msgspec.json.encode(identify(child.pid)).decode())

    def _end_leftover(self) -> None:
        """End a broker that outlived its supervisor; it would keep the log folder locked."""
        with suppress(FileNotFoundError, msgspec.DecodeError):
            end_all([msgspec.json.decode(self._pid_file.read_bytes(), type=Identity)], grace=10)

    def _empty_scratch(self) -> None:
        """Empty the folder for temporary files, where a killed broker leaves unpacked libraries."""
        scratch = self.folder / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(exist_ok=True)

    @property
    def _is_formatted(self) -> bool:
        return (self.folder / "log" / "meta.properties").exists()

    def _format(self, log: StartupLog, spawn: Spawn) -> None:
        """Give an empty log folder its cluster id; an interrupted formatting starts again."""
        if self._is_formatted:
            return
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
        formatting = spawn(
            [*self._java, *tool, "-t", self._cluster, "-c", "server.properties"],
            cwd=self.folder,
            env=server_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=log.file,
            stderr=log.file,
        )
        if formatting.wait():
            raise log.explain(self.name, self.data)

    def _install_credentials(
        self, credentials: Credentials, child: Child, chosen: dict[str, int], log: StartupLog
    ) -> None:
        """Give a broker that knows no password its password, then forbid the way to do so."""
        # Before the child listens, a program of another user may: it must learn no password.
        self._wait(child, log, lambda: listens(child.pid, chosen["kafka"]))
        admin = eager_admin(client_settings(_address(chosen), credentials.of_installer))

        def install() -> bool:
            try:
                credentials.install(admin)
            except KafkaException:
                return False
            return True

        self._wait(child, log, install)
        self._write_properties(chosen)

    def _check_password(self, child: Child, chosen: dict[str, int], log: StartupLog) -> None:
        """Return when the broker has accepted the password.

        Later starts skip this: clients that run know the password, so it must not change.

        Raises:
            UnknownPasswordError: It refuses the password, as with an older copy of its log.
        """
        check = PasswordCheck()
        admin = eager_admin(client_settings(_address(chosen), self.security), check)

        def accepted() -> bool:
            admin.poll(0)
            if check.failed:
                raise UnknownPasswordError(f"Kafka does not know the password in {self.folder}.")
            return answers(admin)

        self._wait(child, log, accepted)

    def _await_ready(self, child: Child, chosen: dict[str, int], log: StartupLog) -> None:
        settings = client_settings(_address(chosen), self.security)
        admin = eager_admin(settings)
        self._wait(child, log, lambda: answers(admin))
        if self._alone:
            self._wait(child, log, lambda: coordinates_groups(settings))

    def _wait(self, child: Child, log: StartupLog, condition: Callable[[], bool]) -> None:
        """Return when the condition holds.

        Raises:
            EmbeddedError: The broker has ended, or the condition does not hold in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if child.poll() is not None:
                raise log.explain(self.name, self.data)
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"Kafka did not answer within {START_SECONDS} s; its output is in {log.path}."
                )
            time.sleep(0.02)


def _address(chosen: Mapping[str, int]) -> str:
    return f"{ports.LOOPBACK}:{chosen['kafka']}"


def new_cluster_id() -> str:
    """Return an id in Kafka's format, without hyphens: a first hyphen would begin an option."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "v")
