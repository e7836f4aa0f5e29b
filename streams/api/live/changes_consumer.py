"""Reads the changes topic for the API: the newest records of tools, in groups."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from infra.kafka.client import create_consumer
from infra.kafka.codec import Codec
from infra.runtime.blocking_pool import join_async
from infra.settings import Settings
from schemas.records import Tool
from schemas.topics import CHANGES

MAX_GROUP = 500
RETRY_SECONDS = 1.0
POLL_SECONDS = 0.5
BROKER_SECONDS = 5.0
CLOSE_SECONDS = 3.0
KEY_PREFIX = b"tool:"

ChangedTools = dict[str, Tool | None]
"""The newest record of each changed tool; None where the record is gone or unreadable."""

log = structlog.get_logger(__name__)


class ChangesConsumer:
    """A thread that reads `verdicts.changes.v1` from its end on.

    Args:
        settings: Where the brokers are.
        codec: Decodes records.
        on_changes: Called on the loop with each group of changed tools.
        on_start: Called on the loop once every record published from then on will be read.
    """

    def __init__(
        self,
        settings: Settings,
        codec: Codec,
        on_changes: Callable[[ChangedTools], None],
        on_start: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._codec = codec
        self._on_changes = on_changes
        self._on_start = on_start
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Stop reading."""
        self._stopping.set()
        await join_async(self._thread, CLOSE_SECONDS)

    def _run(self) -> None:
        consumer = create_consumer(
            self._settings,
            # Compaction removes only records with a newer one, so go on with the next there is.
            {"auto.offset.reset": "earliest"},
        )
        try:
            self._assign(consumer)
            while not self._stopping.is_set():
                changes = self._newest_records(_poll_group(consumer))
                if changes:
                    self._loop.call_soon_threadsafe(self._on_changes, changes)
        except RuntimeError:  # the loop is closed
            pass
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> None:
        """Assign all partitions at their ends; waits until broker and topic exist."""
        while not self._stopping.is_set():
            try:
                consumer.assign(_end_offsets(consumer))
                self._loop.call_soon_threadsafe(self._on_start)
                return
            except (KafkaException, LookupError) as error:
                log.warning("the changes cannot be read yet", reason=str(error))
                self._stopping.wait(RETRY_SECONDS)

    def _newest_records(self, messages: list[Message]) -> ChangedTools:
        """The newest record per tool; only these are decoded."""
        newest: dict[bytes, Any] = {}
        for message in messages:
            error, key = message.error(), message.key() or b""
            if error is not None:
                log.warning("the changes cannot be read now", reason=error.str())
            elif key.startswith(KEY_PREFIX):
                newest[key] = message.value()
        return {
            key[len(KEY_PREFIX) :].decode(errors="replace"): self._decode(value)
            for key, value in newest.items()
        }

    def _decode(self, value: bytes | None) -> Tool | None:
        """The record, or None when unreadable: one bad record must not block later ones."""
        if value is None:
            return None
        try:
            record = self._codec.decode_record(value)
        except Exception as error:  # for example a registry that is away
            log.warning("a change is not readable", reason=str(error))
            return None
        return record if isinstance(record, Tool) else None


def _poll_group(consumer: Consumer) -> list[Message]:
    """All messages that have arrived once one has; `consume` alone would wait for a full group."""
    first = consumer.poll(POLL_SECONDS)
    return [] if first is None else [first, *consumer.consume(MAX_GROUP, timeout=0)]


def _end_offsets(consumer: Consumer) -> list[TopicPartition]:
    """Each partition's end as a fixed offset, so that no later record is missed."""
    topic = consumer.list_topics(CHANGES.name, timeout=BROKER_SECONDS).topics[CHANGES.name]
    if topic.error is not None or not topic.partitions:
        raise LookupError(f"the topic {CHANGES.name} does not exist")
    ends = []
    for partition in topic.partitions:
        topic_partition = TopicPartition(CHANGES.name, partition)
        _, end = consumer.get_watermark_offsets(topic_partition, timeout=BROKER_SECONDS)
        ends.append(TopicPartition(CHANGES.name, partition, end))
    return ends
