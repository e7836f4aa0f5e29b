"""One Kafka node in KRaft mode: broker and controller in one process, all on loopback."""

import base64
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.embedded import ports
from infra.embedded.environment import server_environment
from infra.embedded.errors import EmbeddedError, PortTakenError
from infra.embedded.kafka.configuration import JVM_OPTIONS, PROPERTIES
from infra.embedded.private_file import write_private
from infra.embedded.process import Child, Identity, Spawn, end_all, identify, spawn
from infra.embedded.startup_log import StartupLog
from infra.kafka.client import create_admin, create_consumer
from infra.settings import Settings

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
    ) -> None:
        """Keep all files in `data/kafka`, and the output in `data/logs/kafka.log`.

        Args:
            data: The data folder.
            java: The `java` program.
            jars: Kafka's class path.
            cluster: The id that all nodes of a cluster share; empty for a single node.
            properties: Server properties of this node that override or extend the defaults.
        """
        self.data = data
        self.folder = data / "kafka"
        self._cluster = cluster or new_cluster_id()
        self._alone = not cluster
        self._properties = "".join(f"{key}={value}\n" for key, value in (properties or {}).items())
        self._java = [str(java), *JVM_OPTIONS, "-cp", ":".join(map(str, jars))]
        self._pid_file = self.folder / "process.json"
        self._ports: dict[str, int] = {}

    @property
    def address(self) -> str:
        """`host:port` for `bootstrap.servers`."""
        return f"{ports.LOOPBACK}:{self._ports['kafka']}"

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
                child = self._start(chosen, spawn)
            except PortTakenError:
                if attempt == attempts - 1:
                    raise
                continue
            if not self._ports:
                ports.remember(self.data, chosen)
            self._ports = chosen
            return child
        raise AssertionError("the last attempt returns or raises")

    def _start(self, chosen: dict[str, int], spawn: Spawn) -> Child:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        self._empty_scratch()
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
            self._await_ready(child, f"{ports.LOOPBACK}:{chosen['kafka']}", log)
        except BaseException:
            child.kill()
            child.wait()
            raise
        return child

    def _write_properties(self, chosen: dict[str, int]) -> None:
        """Write `server.properties` if it differs: a restart needs no room on the disk."""
        file = self.folder / "server.properties"
        text = PROPERTIES.format(
            host=ports.LOOPBACK, broker=chosen["kafka"], controller=chosen["kafka_controller"]
        )
        text += self._properties  # the last line for a name wins
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

    def _format(self, log: StartupLog, spawn: Spawn) -> None:
        """Give an empty log folder its cluster id; an interrupted formatting starts again."""
        if (self.folder / "log" / "meta.properties").exists():
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

    def _await_ready(self, child: Child, address: str, log: StartupLog) -> None:
        settings = Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": address})
        # A broker that is starting refuses connections until it listens.
        eager = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100}
        admin = create_admin(settings, eager)
        deadline = time.monotonic() + START_SECONDS
        while not (_answers(admin) and (not self._alone or _coordinates_groups(settings))):
            if child.poll() is not None:
                raise log.explain(self.name, self.data)
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"Kafka did not answer within {START_SECONDS} s; its output is in {log.path}."
                )


def new_cluster_id() -> str:
    """Return an id in Kafka's format, without hyphens: a first hyphen would begin an option."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "v")


def _answers(admin: AdminClient) -> bool:
    """Return whether the controller has accepted the broker."""
    try:
        return bool(admin.list_topics(timeout=0.5).brokers)
    except KafkaException:
        return False


def _coordinates_groups(settings: Settings) -> bool:
    """Return whether a single broker coordinates consumer groups.

    The request also makes a new broker create its offsets topic, so the first consumers need not
    wait for it. The request is one of a plain consumer: describing a group that has no coordinator
    yet can abort librdkafka, and this process with it.
    """
    consumer = create_consumer(settings)
    try:
        consumer.committed([TopicPartition("readiness", 0)], timeout=3)
    except KafkaException:
        return False
    finally:
        consumer.close()
    return True
