"""The relay: publishes the records that the outbox names, then forgets the keys.

One relay works at a time, and a fixed transactional id makes the broker refuse a predecessor that
only seemed dead, so records of one key never come out of order. Killed between publishing and
forgetting, its successor publishes again.
"""

import time

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from sqlalchemy import Engine

from infra.kafka.client import create_producer
from infra.kafka.codec import Codec
from infra.postgres.engine import wait_notifications
from infra.postgres.leader_election import LeaderThread, Lease
from infra.settings import Settings
from infra.telemetry import event_log
from infra.telemetry.recording import relayed
from projections.read import changed_records
from projections.write.outbox import RecordKey
from schemas import topics
from schemas.channels import Channel
from schemas.records import AnyRecord

TRANSACTIONAL_ID = "verdicts-relay"
ADVISORY_LOCK = 0x72656C61  # "rela"
LARGEST_BATCH = 500
SECONDS = 10.0
# A transaction of the broker's costs as much for one change as for many. Pages do not wait for it.
PAUSE_SECONDS = 0.1
log = structlog.get_logger(__name__)


class OutboxRelay(LeaderThread):
    """Publishes while it has the turn."""

    def __init__(
        self, settings: Settings, engine: Engine, codec: Codec, service: str, instance: str
    ) -> None:
        super().__init__(settings, ADVISORY_LOCK, service, instance)
        self._engine = engine
        self._codec = codec

    def serve(self, lease: Lease) -> None:
        """Publish what waits, then wait for more."""
        producer = self._producer()
        lease.connection.execute(f"listen {Channel.CHANGED}".encode())
        self.active = True
        while not self.stopping.is_set():
            while self._publish_some(producer):
                self.stopping.wait(PAUSE_SECONDS)
            wait_notifications(lease.connection)

    def _producer(self) -> Producer:
        producer = create_producer(
            self._settings,
            {
                "transactional.id": TRANSACTIONAL_ID,
                "linger.ms": 0,  # a commit flushes; lingering would delay each transaction
                "message.max.bytes": topics.LARGEST_RECORD,  # a tool with all its reviews
            },
        )
        producer.init_transactions(SECONDS)
        return producer

    def _publish_some(self, producer: Producer) -> bool:
        """Publish what waits, up to a batch of keys; False when nothing waited."""
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.begin() as connection:
            # In the snapshot itself: a key is forgotten only when its change is in there.
            waiting = changed_records.pending(connection, LARGEST_BATCH)
            shared = any(key.kind.startswith("tools-of-") for key in waiting.values())
            found = {} if shared else changed_records.look_up(connection, waiting.values())
        if shared:
            with self._engine.begin() as connection:
                changed_records.expand_shared_keys(connection)
            return True
        if not waiting:
            return False
        began = time.monotonic()
        producer.begin_transaction()
        for key, record in found.items():
            self._produce(producer, key, record)
        producer.commit_transaction(SECONDS)
        with self._engine.begin() as connection:
            changed_records.delete_published(connection, waiting)
        relayed((key.kind for key in found), time.monotonic() - began)
        event_log.relayed(self._engine, found, time.monotonic() - began)
        return True

    def _produce(self, producer: Producer, key: RecordKey, record: AnyRecord | None) -> None:
        try:
            producer.produce(
                topics.CHANGES.name,
                key=f"{key.kind}:{key.key}".encode(),
                value=None if record is None else self._codec.encode_record(record),
            )
        except KafkaException as error:
            if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                raise
            # Waiting would not make it smaller, and everything behind it would wait too.
            log.error("a record is too large to publish", kind=key.kind, key=key.key)
