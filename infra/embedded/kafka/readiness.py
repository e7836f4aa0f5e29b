"""Asks an embedded broker whether it is ready."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
import psutil
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.kafka.client import create_admin, create_consumer
from infra.settings import Settings

REFUSED_SECONDS = 5.0
# A broker that is starting refuses connections until it listens.
_EAGER = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100}


def client_settings(address: str, security: Mapping[str, str]) -> Settings:
    """Return settings of a client; `security` holds librdkafka properties."""
    settings = Settings.from_environment({})
    return msgspec.structs.replace(settings, kafka=address, kafka_security=dict(security))


def eager_admin(
    settings: Settings, on_error: Callable[[KafkaError], None] = lambda _: None
) -> AdminClient:
    """Create an admin client that connects as soon as a broker listens.

    Its `poll` calls `on_error` with errors of connections.
    """
    return create_admin(settings, {**_EAGER, "error_cb": on_error})


class PasswordCheck:
    """Notes when a broker first refused a password; pass it as `on_error`.

    Refusals cannot be counted: librdkafka reports the same error only once in 30 seconds.
    """

    def __init__(self) -> None:
        self._refused = math.inf

    def __call__(self, error: KafkaError) -> None:
        """Note a refusal."""
        if error.code() == KafkaError._AUTHENTICATION:
            self._refused = min(self._refused, time.monotonic())

    @property
    def failed(self) -> bool:
        """Whether it was refused a while ago; by now a starting broker has read its credentials."""
        return time.monotonic() - self._refused >= REFUSED_SECONDS


def listens(pid: int, port: int) -> bool:
    """Return whether this process listens on the port, and no other."""
    with suppress(psutil.Error):
        connections = psutil.Process(pid).net_connections("tcp")
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for connection in connections
        )
    return False


def answers(admin: AdminClient) -> bool:
    """Return whether the controller has accepted the broker."""
    try:
        return bool(admin.list_topics(timeout=0.5).brokers)
    except KafkaException:
        return False


def coordinates_groups(settings: Settings) -> bool:
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
