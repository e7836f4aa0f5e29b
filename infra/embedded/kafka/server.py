"""One Kafka node in KRaft mode: broker and controller in one process, all on loopback."""

import base64
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
from infra.embedded.errors import EmbeddedError, PortTakenError
from infra.embedded.process import Child, Identity, Spawn, end, identify, spawn
from infra.embedded.startup_log import StartupLog
from infra.kafka.client import create_admin, create_consumer
from infra.settings import Settings

STOP_SIGNAL = signal.SIGTERM
START_SECONDS = 90

# A short start and a small process matter more here than the last bit of throughput.
_JVM = (
    "-Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError "
    "-XX:-UsePerfData -Djava.io.tmpdir=tmp -Djava.awt.headless=true -Dfile.encoding=UTF-8 "
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true "
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ "
    "-Dorg.slf4j.simpleLogger.logFile=System.err"
)

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker}
controller.listener.names=CONTROLLER
# Relative to the working folder: a comma in an absolute path would split it.
log.dirs=log
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# After a kill the controller lets the broker in again only when its old session has ended.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=4194304
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=16777216
"""


class Kafka:
    """The server of one data folder, which can be started again and again."""

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
        """Keep everything in `data/kafka`, and the log in `data/logs/kafka.log`.

        Args:
            data: The data folder.
            java: The program that runs it.
            jars: Kafka's class path.
            cluster: The id that all nodes of a cluster share; made for a node on its own.
            properties: What this node sets in place of, or beside, what is set here.
        """
        self.data = data
        self.folder = data / "kafka"
        self._cluster = cluster or new_cluster_id()
        self._alone = not cluster
        self._properties = "".join(f"{key}={value}\n" for key, value in (properties or {}).items())
        self._java = [str(java), *_JVM.split(), "-cp", ":".join(map(str, jars))]
        self._note = self.folder / "process.json"
        self._ports: dict[str, int] = {}

    @property
    def address(self) -> str:
        """`host:port` for `bootstrap.servers`."""
        return f"{ports.LOOPBACK}:{self._ports['kafka']}"

    def start(self, spawn: Spawn = spawn) -> Child:
        """Start the broker and return once it answers a client's question for metadata.

        The ports of the first start are kept for the later ones, since clients know them.

        Raises:
            EmbeddedError: With one sentence that says why, after it was ended.
        """
        attempts = 1 if self._ports else 5
        for attempt in range(attempts):
            chosen = self._ports or ports.choose(self.data, "kafka", "kafka_controller")
            try:
                child = self._start(chosen, spawn)
            except PortTakenError:
                if attempt == attempts - 1:
                    raise
                continue
            self._ports = chosen
            ports.remember(self.data, chosen)
            return child
        raise AssertionError("the last attempt returns or raises")

    def _start(self, chosen: dict[str, int], spawn: Spawn) -> Child:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        self._empty_scratch()
        (self.folder / "server.properties").write_text(
            _PROPERTIES.format(
                host=ports.LOOPBACK, broker=chosen["kafka"], controller=chosen["kafka_controller"]
            )
            + self._properties  # the last line of a name counts
        )
        log = StartupLog(self.data / "logs" / "kafka.log")
        with log.file:
            self._format(log, spawn)
            child = spawn(
                [*self._java, "kafka.Kafka", "server.properties"],
                stop_signal=self.stop_signal,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log.file,
                stderr=log.file,
            )
        self._note.write_bytes(msgspec.json.encode(identify(child.pid)))
        try:
            self._wait(child, f"{ports.LOOPBACK}:{chosen['kafka']}", log)
        except BaseException:
            child.kill()
            child.wait()
            raise
        return child

    def _end_leftover(self) -> None:
        """End a broker that outlived its run; it would keep the log folder locked."""
        with suppress(FileNotFoundError, msgspec.DecodeError):
            end([msgspec.json.decode(self._note.read_bytes(), type=Identity)], grace=10)

    def _empty_scratch(self) -> None:
        """Take away what a killed broker left: it unpacks its compression's libraries there."""
        scratch = self.folder / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(exist_ok=True)

    def _format(self, log: StartupLog, spawn: Spawn) -> None:
        """Give an empty log folder its cluster id; an interrupted formatting is begun anew."""
        if (self.folder / "log" / "meta.properties").exists():
            return
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
        done = spawn(
            [*self._java, *tool, "-t", self._cluster, "-c", "server.properties"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log.file,
            stderr=log.file,
        )
        if done.wait():
            raise log.explain(self.name, self.data)

    def _wait(self, child: Child, address: str, log: StartupLog) -> None:
        settings = Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": address})
        # A broker that is starting refuses connections until it listens.
        eager = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100}
        admin = create_admin(settings, eager)
        deadline = time.monotonic() + START_SECONDS
        while not (_answers(admin) and (not self._alone or _coordinates(settings))):
            if child.poll() is not None:
                raise log.explain(self.name, self.data)
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"Kafka did not answer within {START_SECONDS} s; what it says stands in "
                    f"{log.path}."
                )


def new_cluster_id() -> str:
    """An id as Kafka makes them; one that begins with a hyphen would be taken for an option."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "v")


def _answers(admin: AdminClient) -> bool:
    """Whether the controller has let the broker in."""
    try:
        return bool(admin.list_topics(timeout=0.5).brokers)
    except KafkaException:
        return False


def _coordinates(settings: Settings) -> bool:
    """Whether a broker on its own coordinates consumer groups.

    The question also makes a new broker create its topic of offsets, for which the first consumers
    would have to wait otherwise. It is a consumer's plain one: to describe a group that is still
    without a coordinator can abort the client's library, and with it this process.
    """
    consumer = create_consumer(settings)
    try:
        consumer.committed([TopicPartition("readiness", 0)], timeout=3)
    except KafkaException:
        return False
    finally:
        consumer.close()
    return True
