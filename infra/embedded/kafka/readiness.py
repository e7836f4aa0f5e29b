"""Asks an embedded broker whether it is ready."""

from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
import psutil
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.kafka.client import create_admin, create_consumer
from infra.settings import Settings

MAX_REFUSALS = 5
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
    """Counts how often a broker refuses a password; pass it as `on_error`."""

    def __init__(self) -> None:
        self._refusals = 0

    def __call__(self, error: KafkaError) -> None:
        """Count a refusal."""
        self._refusals += error.code() == KafkaError._AUTHENTICATION

    @property
    def failed(self) -> bool:
        """Whether several attempts in a row were refused."""
        return self._refusals >= MAX_REFUSALS


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
