"""The embedded broker answers clients with the password of the data folder, and no others."""

import os
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic

from infra.embedded.kafka.credentials import Credentials
from infra.embedded.kafka.jars import class_path
from infra.embedded.kafka.java import java
from infra.embedded.kafka.readiness import listens
from infra.embedded.kafka.server import Kafka
from infra.embedded.orphan_guardian import Guardian
from infra.embedded.process import Child
from infra.kafka.client import create_admin, create_consumer, create_producer
from infra.kafka.topics import is_empty
from infra.settings import Settings
from schemas.topics import VOTES
from tests.harness.kafka import at_kafka, client_variables

SECONDS = 3.0


def without_password(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, kafka_security={})


def with_wrong_password(settings: Settings) -> Settings:
    wrong = settings.kafka_security | {"sasl.password": "a guess"}
    return msgspec.structs.replace(settings, kafka_security=wrong)


def require_refused(*clients: Settings) -> None:
    """Listing topics, writing and reading must all fail; at once, since a refusal takes seconds."""
    attempts = [(attempt, client) for client in clients for attempt in (list_topics, write, read)]
    with ThreadPoolExecutor(len(attempts)) as threads:
        for refused in [threads.submit(attempt, client) for attempt, client in attempts]:
            refused.result()


def list_topics(settings: Settings) -> None:
    with pytest.raises(KafkaException):
        create_admin(settings).list_topics(timeout=SECONDS)


def write(settings: Settings) -> None:
    producer = create_producer(settings, delivery_seconds=SECONDS)
    errors: list[KafkaError | None] = []
    producer.produce(VOTES.name, b"forged", on_delivery=lambda error, _: errors.append(error))
    producer.flush(2 * SECONDS)
    assert [error is None for error in errors] == [False]


def read(settings: Settings) -> None:
    consumer = create_consumer(settings)
    with pytest.raises(KafkaException):
        consumer.get_watermark_offsets(TopicPartition(VOTES.name, 0), timeout=SECONDS)
    consumer.close()


@pytest.mark.integration
def test_a_client_without_the_password_neither_lists_topics_nor_votes(
    cluster: dict[str, str],
) -> None:
    settings = at_kafka(cluster)
    before = ends(settings, VOTES.name, VOTES.partitions)
    require_refused(without_password(settings), with_wrong_password(settings))
    assert ends(settings, VOTES.name, VOTES.partitions) == before


def ends(settings: Settings, topic: str, partitions: int) -> list[int]:
    consumer = create_consumer(settings)
    try:
        return [
            consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20)[1]
            for number in range(partitions)
        ]
    finally:
        consumer.close()


class Folder:
    """A data folder whose broker is started again and again."""

    def __init__(self, path: Path, guardian: Guardian) -> None:
        self.path = path
        self._guardian = guardian
        self._jars = class_path(path, lambda *_: None)
        self._child: Child | None = None
        self._numbers = count()
        self.password = path / "kafka" / "password"

    def start(self, *, authenticate: bool = True) -> Settings:
        """Start the broker anew, after SIGKILL to a former one; the settings of its client."""
        self.end()
        server = Kafka(self.path, java(), self._jars, authenticate=authenticate)
        self._child = server.start(self._guardian.spawn)
        return at_kafka(client_variables(server))

    @property
    def controller(self) -> str:
        """`host:port` of the controller."""
        lines = (self.path / "kafka" / "server.properties").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)[
            "controller.quorum.voters"
        ].removeprefix("1@")

    def end(self) -> None:
        if self._child:
            self._child.kill()
            self._child.wait()


@pytest.fixture
def folder(tmp_path: Path, guardian: Guardian) -> Iterator[Folder]:
    folder = Folder(tmp_path, guardian)
    yield folder
    folder.end()


def ask_controller(address: str) -> bytes:
    """The answer to DescribeCluster without a password; empty where the connection is closed."""
    header = struct.pack(">hhih4sb", 60, 1, 1, 4, b"test", 0)
    request = header + struct.pack(">?bb", False, 2, 0)  # the controllers' endpoints
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), SECONDS) as connection:
        connection.settimeout(10)
        connection.sendall(struct.pack(">i", len(request)) + request)
        return connection.recv(1024)


@pytest.mark.integration
def test_a_folder_without_a_password_gets_one_and_keeps_its_log(folder: Folder) -> None:
    """From then on the controller, too, answers its own broker alone."""
    settings = folder.start(authenticate=False)
    assert ask_controller(folder.controller)
    admin = create_admin(settings)
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(20)
    assert is_empty(settings, ["kept"])
    producer = create_producer(settings)
    producer.produce("kept", b"of an older release")
    assert producer.flush(20) == 0

    upgraded = folder.start()
    assert not ask_controller(folder.controller)
    assert ends(upgraded, "kept", 1) == [1]
    require_refused(without_password(upgraded))
    assert stat.S_IMODE(folder.password.stat().st_mode) == 0o600
    properties = folder.path / "kafka" / "server.properties"
    assert "installer" not in properties.read_text()
    assert stat.S_IMODE(properties.stat().st_mode) == 0o600

    again = folder.start()
    assert again == upgraded, "a restart changes neither address nor password"
    assert ends(again, "kept", 1) == [1]

    folder.password.unlink()
    renewed = folder.start()
    assert renewed.kafka_security != upgraded.kafka_security
    assert ends(renewed, "kept", 1) == [1]
    require_refused(upgraded)

    folder.password.write_text("of another copy of the log\n")
    replaced = folder.start()
    assert replaced.kafka_security["sasl.password"] == folder.password.read_text().strip()
    assert ends(replaced, "kept", 1) == [1]
    require_refused(renewed)


def test_no_password_is_kept_before_the_broker_knows_it(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "password")
    credentials.prepare(formatted=True)
    first = credentials.of_client
    assert not credentials.installed
    credentials.prepare(formatted=True)
    assert credentials.of_client != first
    assert list(tmp_path.iterdir()) == []


def test_a_known_password_is_used_until_the_log_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("known\n")
    credentials = Credentials(file)
    credentials.prepare(formatted=True)
    assert credentials.installed
    assert credentials.of_client["sasl.password"] == "known"
    file.unlink()
    credentials.prepare(formatted=True)
    assert credentials.of_client["sasl.password"] == "known", "clients that run know this one"
    credentials.prepare(formatted=False)
    assert credentials.of_client["sasl.password"] != "known"


def test_a_port_of_another_process_is_told_from_the_own_one() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
        assert not listens(os.getpid(), port)
        listener.listen()
        assert listens(os.getpid(), port)
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        assert not listens(other.pid, port)
        other.communicate()
