"""How far the projections are, and waiting for them.

At each commit PostgreSQL notifies, on the channel `applied`, the first offset of a partition that
is not applied yet.
"""

import asyncio
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

from infra.kafka.delivery import Delivery
from schemas.channels import Channel
from schemas.topics import EVENT_PARTITIONS, TopicPartition

_NOTHING_APPLIED = dict.fromkeys(EVENT_PARTITIONS, 0)
K = TypeVar("K", bound=Hashable)

Notification = tuple[str, str]
"""A channel and a payload."""


class Watermarks(Generic[K]):
    """A watermark per key, and the tasks that wait for one to be reached.

    A watermark may go back, as when offsets are rewound: the last one set holds.
    """

    def __init__(self) -> None:
        self._watermarks: dict[K, int] = {}
        self._waiters: dict[K, dict[asyncio.Future[None], int]] = {}

    def get(self, key: K) -> int:
        """The watermark of `key`; -1 before it was set."""
        return self._watermarks.get(key, -1)

    @property
    def awaited(self) -> int:
        """How many keys have tasks that wait."""
        return len(self._waiters)

    def set(self, key: K, watermark: int) -> None:
        """Set the watermark of `key` and wake the tasks that wait for no more than that."""
        self._watermarks[key] = watermark
        for future, target in self._waiters.get(key, {}).items():
            if target <= watermark and not future.done():
                future.set_result(None)

    async def wait_for(self, key: K, target: int) -> None:
        """Return once the watermark of `key` is `target` or more."""
        if self.get(key) >= target:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(key, {})
        waiters[future] = target
        try:
            await future
        finally:
            del waiters[future]
            if not waiters:
                self._waiters.pop(key, None)


class Progress:
    """The watermarks by topic and partition, and which partitions nothing is applied of."""

    def __init__(self) -> None:
        self.applied: Watermarks[TopicPartition] = Watermarks()
        self._notified: set[TopicPartition] = set()
        self._stalled: dict[TopicPartition, int] = {}

    def start_listening(self) -> None:
        """From now on every commit is notified; earlier notifications may have been lost."""
        self._notified.clear()

    def load_checkpoints(self, applied: Mapping[TopicPartition, int]) -> None:
        """Set the checkpoints that were read at some moment after `start_listening`.

        A partition that was notified since then keeps its watermark: the notification may be older
        or newer than the read, but the partition's newest commit was notified or will be at once.
        """
        for partition, offset in {**_NOTHING_APPLIED, **applied}.items():
            if partition not in self._notified:
                self.applied.set(partition, offset)

    async def wait_until_applied(self, ends: Mapping[TopicPartition, int]) -> None:
        """Return once every partition is applied up to, not including, its end."""
        for partition, end in ends.items():
            await self.applied.wait_for(partition, end)

    def is_applied(self, delivery: Delivery) -> bool:
        """Whether the projections hold the record, as far as is known."""
        return self.applied.get(delivery.topic_partition) > delivery.offset

    def is_stalled(self, partition: TopicPartition) -> bool:
        """Whether a wait for the partition ended in vain, and nothing was applied since.

        Then no worker runs, or a transaction hangs.
        """
        return self._stalled.get(partition) == self.applied.get(partition)

    def waited_in_vain(self, partition: TopicPartition, before: int) -> None:
        """Note that nobody needs to wait before more is applied.

        Args:
            partition: The partition that was waited for.
            before: Its watermark when the wait began.
        """
        self._stalled[partition] = before

    def apply(self, notifications: list[Notification]) -> None:
        """Set watermarks from notifications, in the order of the commits."""
        for channel, payload in notifications:
            if channel == Channel.APPLIED:
                topic, partition, offset = payload.split("/")
                topic_partition = topic, int(partition)
                self._notified.add(topic_partition)
                self.applied.set(topic_partition, int(offset))
