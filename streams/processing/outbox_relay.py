"""The relay: publishes the records that the outbox names, then deletes the keys.

One relay works at a time. A fixed transactional id makes the broker refuse a predecessor that only
seemed dead, so records of one key stay in order. When a relay is killed between publishing and
deleting, its successor publishes the records again.
"""

import time
from collections.abc import Mapping

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
from projections.record_keys import RecordKey
from projections.write import outbox
from schemas import topics
from schemas.channels import Channel
from schemas.digests import AnyRecord

TRANSACTIONAL_ID = "verdicts-relay"
ADVISORY_LOCK = 0x72656C61  # "rela"
LARGEST_BATCH = 500
TIMEOUT_SECONDS = 10.0
# A transaction costs the broker as much for one change as for many. Pages do not wait for it.
PAUSE_SECONDS = 0.1
log = structlog.get_logger(__name__)


class OutboxRelay(LeaderThread):
    """Publishes while it is the leader."""

    def __init__(
        self, settings: Settings, engine: Engine, codec: Codec, service: str, instance: str
    ) -> None:
        super().__init__(settings, ADVISORY_LOCK, service, instance)
        self._engine = engine
        self._codec = codec

    def serve(self, lease: Lease) -> None:
        """Publish the pending keys, then wait for more."""
        producer = self._producer()
        lease.connection.execute(f"listen {Channel.CHANGED}".encode())
        self.active = True
        while not self.stopping.is_set():
            while self._publish_batch(producer):
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
        producer.init_transactions(TIMEOUT_SECONDS)
        return producer

    def _publish_batch(self, producer: Producer) -> bool:
        """Publish a batch of pending keys; False when none is pending."""
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.begin() as connection:
            # In one snapshot: a deleted key's change must be in the record that was published.
            pending = outbox.pending(connection, LARGEST_BATCH)
            shared = any(key.kind.startswith("tools-of-") for key in pending.values())
            records = {} if shared else changed_records.look_up(connection, pending.values())
        if shared:
            with self._engine.begin() as connection:
                changed_records.expand_shared_keys(connection)
        elif pending:
            began = time.monotonic()
            self._publish(producer, records)
            with self._engine.begin() as connection:
                outbox.delete(connection, pending)
            seconds = time.monotonic() - began
            relayed((key.kind for key in records), seconds)
            event_log.relayed(self._engine, records, seconds)
        return bool(pending)

    def _publish(self, producer: Producer, records: Mapping[RecordKey, AnyRecord | None]) -> None:
        """Publish records in one transaction; None is a tombstone."""
        producer.begin_transaction()
        for key, record in records.items():
            self._produce(producer, key, record)
        producer.commit_transaction(TIMEOUT_SECONDS)

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
            # A retry would not make it smaller, and every later record would wait for it.
            log.error("a record is too large to publish", kind=key.kind, key=key.key)
