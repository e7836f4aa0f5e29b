"""Creates every librdkafka client: addresses, security and the promises of our records.

Callers pass only the properties in which they differ, with the reason beside them.
"""

import ssl
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from infra.settings import Settings

DELIVERY_SECONDS = 10.0
# librdkafka sends a request per partition. At a thousand votes a second, 1 ms makes nearly a
# thousand requests and 5 ms some seven hundred; a busy broker acknowledges votes sooner for it.
LINGER_MILLISECONDS = 5
MAX_QUEUED_RECORDS = 100_000
_ADDRESS = "bootstrap.servers"
EVENT_BYTES = 2 << 20  # no less than the event topics take

METADATA_SECONDS = 3.0
_OUTDATED = {
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError._NOENT,
    KafkaError._TIMED_OUT,
}

T = TypeVar("T")
Properties = Mapping[str, Any]
"""librdkafka properties by their own names, such as `fetch.wait.max.ms`."""

# A consumer that reads a record or two of each partition. By default librdkafka fetches ahead:
# hundreds of megabytes where much waits.
FEW_RECORDS: Properties = {
    "queued.min.messages": 1,
    "max.partition.fetch.bytes": 65_536,
    "fetch.queue.backoff.ms": 10,
}


def create_producer(
    settings: Settings,
    overrides: Properties | None = None,
    *,
    delivery_seconds: float = DELIVERY_SECONDS,
) -> Producer:
    """Create a producer that appends each record once, where its key belongs, on all replicas.

    Args:
        settings: The brokers and their security.
        overrides: Properties that differ from ours.
        delivery_seconds: After this long an unacknowledged record is reported as timed out.
    """
    return Producer(
        {
            **_connection(settings),
            "partitioner": "murmur2_random",  # as the Java clients; librdkafka's own is CRC32
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": LINGER_MILLISECONDS,
            "message.max.bytes": EVENT_BYTES,
            "message.timeout.ms": int(delivery_seconds * 1000),
            "request.timeout.ms": int(delivery_seconds * 500),
            "queue.buffering.max.messages": MAX_QUEUED_RECORDS,
            "retry.backoff.ms": 50,
            **(overrides or {}),
        }
    )


def create_consumer(settings: Settings, overrides: Properties | None = None) -> Consumer:
    """Create a consumer of assigned partitions, which joins no group and commits nothing.

    It reads committed records only. An offset that the log does not hold is an error.
    """
    return Consumer(
        {
            **_connection(settings),
            "group.id": "verdicts",  # librdkafka requires one
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 50,
            **(overrides or {}),
        }
    )


def create_admin(settings: Settings, overrides: Properties | None = None) -> AdminClient:
    """Create a client for questions to the cluster."""
    return AdminClient({**_connection(settings), **(overrides or {})})


def connection(settings: Settings) -> dict[str, str]:
    """Return the properties with which a client of librdkafka reaches the brokers."""
    return {_ADDRESS: settings.kafka, **settings.kafka_security}


def security_of(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of a client beside the address of the brokers."""
    return {name: value for name, value in properties.items() if name != _ADDRESS}


def ask(client: AdminClient, question: Callable[[], T]) -> T:
    """The answer to a question, which is asked again where the client's metadata is outdated.

    The client keeps to what it once learned: a leader of a later epoch refuses its questions for
    ever, and a controller that has died answers none for minutes. Metadata of all topics brings
    the present ones.

    Args:
        client: Asks.
        question: Asks through the client and waits for the answer.

    Raises:
        KafkaException: no broker answers, or one refuses.
    """
    try:
        return question()
    except KafkaException as error:
        if error.args[0].code() not in _OUTDATED:
            raise
        client.list_topics(timeout=METADATA_SECONDS)
        return question()


def ssl_context(security: Mapping[str, str]) -> ssl.SSLContext:
    """Translate librdkafka's properties for clients that are not librdkafka's."""
    context = ssl.create_default_context(cafile=security.get("ssl.ca.location"))
    if certificate := security.get("ssl.certificate.location"):
        context.load_cert_chain(
            certificate, security.get("ssl.key.location"), security.get("ssl.key.password")
        )
    return context


def _connection(settings: Settings) -> dict[str, Any]:
    return {
        **connection(settings),
        "client.id": "verdicts",
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1000,
        "log_level": 2,  # what matters comes as errors; single connections come and go
    }
