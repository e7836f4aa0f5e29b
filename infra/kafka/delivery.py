"""What becomes of a record that was sent, and those who wait to know."""

import asyncio
from typing import Any

import msgspec
from confluent_kafka import KafkaError


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """Where an acknowledged record stands on the log."""

    topic: str
    partition: int
    offset: int


class NotWritten(Exception):  # noqa: N818 - an outcome, named for what it is
    """The record is surely not on the log, and never will be.

    `too_large` tells a record that no broker takes from a broker that takes none now.
    """

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large


class DeliveryUnknown(Exception):  # noqa: N818
    """The record may stand on the log or not; nobody who can be asked knows."""


Outcome = Delivery | NotWritten | DeliveryUnknown
_NEVER_APPENDED = frozenset(
    {
        KafkaError._PURGE_QUEUE,
        KafkaError._QUEUE_FULL,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.INVALID_RECORD,
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
    }
)


def refusal(error: KafkaError) -> NotWritten | DeliveryUnknown:
    """Tell what was certainly not appended from what may have been."""
    if error.code() in _NEVER_APPENDED:
        too_large = error.code() == KafkaError.MSG_SIZE_TOO_LARGE
        return NotWritten(error.str(), too_large=too_large)
    return DeliveryUnknown(error.str())


def outcome_of(error: KafkaError | None, message: Any) -> Outcome:
    """What became of a record, from what the log's client says of it."""
    if error is not None:
        return refusal(error)
    return Delivery(message.topic(), message.partition(), message.offset())


def resolve(future: "asyncio.Future[Delivery]", outcome: Outcome) -> None:
    """Give the future of a record its end."""
    if future.done():  # whoever waited has gone
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
        future.exception()  # seen: a client that has gone is no reason for a warning
    else:
        future.set_result(outcome)


class DeliveryGroup:
    """Records that somebody waits for together, and what became of each."""

    __slots__ = ("_left", "_outcomes", "future")

    def __init__(self, size: int, future: "asyncio.Future[list[Outcome]]") -> None:
        self.future = future
        self._outcomes: list[Any] = [None] * size
        self._left = size
        if not size:
            future.set_result([])

    def resolve(self, number: int, outcome: Outcome) -> None:
        """Note one record's outcome; the last one gives the future its end."""
        self._outcomes[number] = outcome
        self._left -= 1
        if not self._left and not self.future.done():
            self.future.set_result(self._outcomes)
