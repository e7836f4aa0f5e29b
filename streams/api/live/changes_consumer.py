"""The API's own reader of the changes topic: what is new about tools, in groups."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from infra.kafka.client import create_consumer
from infra.kafka.codec import Codec
from infra.runtime.blocking_pool import join_async
from infra.settings import Settings
from schemas import topics
from schemas.records import Tool

AT_ONCE = 500
RETRY_SECONDS = 1.0
PREFIX = b"tool:"

Group = dict[str, Tool | None]
log = structlog.get_logger(__name__)


class ChangesConsumer:
    """A thread that reads `verdicts.changes.v1` from its end on.

    Args:
        settings: Where the brokers are.
        codec: Decodes records.
        changed: Called on the loop with the newest record of each tool that changed, None where
            there is none to be read.
        began: Called on the loop once everything published from then on will be read.
    """

    def __init__(
        self,
        settings: Settings,
        codec: Codec,
        changed: Callable[[Group], None],
        began: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._codec = codec
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._began = began
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Stop reading."""
        self._stopping.set()
        await join_async(self._thread, 3)

    def _run(self) -> None:
        consumer = create_consumer(
            self._settings,
            # Records that are gone were replaced by newer ones: go on with the first there is.
            {"auto.offset.reset": "earliest"},
        )
        try:
            self._start(consumer)
            while not self._stopping.is_set():
                group = self._group(_waiting(consumer))
                if group:
                    self._loop.call_soon_threadsafe(self._changed, group)
        except RuntimeError:  # the loop is closed: nobody listens any more
            pass
        finally:
            consumer.close()

    def _start(self, consumer: Consumer) -> None:
        """Take all partitions at their ends; waits until there are broker and topic."""
        while not self._stopping.is_set():
            try:
                consumer.assign(_ends(consumer))
                self._loop.call_soon_threadsafe(self._began)
                return
            except (KafkaException, LookupError) as error:
                log.warning("the changes cannot be read yet", reason=str(error))
                self._stopping.wait(RETRY_SECONDS)

    def _group(self, messages: list[Any]) -> Group:
        """The newest record per tool; only these are decoded."""
        newest = {}
        for message in messages:
            if message.error() is not None:
                log.warning("the changes cannot be read now", reason=message.error().str())
            elif (message.key() or b"").startswith(PREFIX):
                newest[message.key()] = message.value()
        return {
            key[len(PREFIX) :].decode(errors="replace"): self._decoded(value)
            for key, value in newest.items()
        }

    def _decoded(self, value: bytes | None) -> Tool | None:
        """The record, or None where it cannot be had: whatever one brings, others follow it."""
        if value is None:
            return None
        try:
            record = self._codec.decode_record(value)
        except Exception as error:  # such as of a registry that is away
            log.warning("a change is not readable", reason=str(error))
            return None
        return record if isinstance(record, Tool) else None


def _waiting(consumer: Consumer) -> list[Any]:
    """What has arrived, as soon as something has; `consume` alone would wait for all it may."""
    first = consumer.poll(0.5)
    return [] if first is None else [first, *consumer.consume(AT_ONCE, timeout=0)]


def _ends(consumer: Consumer) -> list[TopicPartition]:
    """Where each partition ends now: fixed offsets, so that nothing after them is missed."""
    found = consumer.list_topics(topics.CHANGES.name, timeout=5).topics[topics.CHANGES.name]
    if found.error is not None or not found.partitions:
        raise LookupError(f"the topic {topics.CHANGES.name} is not there")
    ends = []
    for partition in found.partitions:
        place = TopicPartition(topics.CHANGES.name, partition)
        _, end = consumer.get_watermark_offsets(place, timeout=5)
        ends.append(TopicPartition(topics.CHANGES.name, partition, end))
    return ends
