"""Records that one caller awaits together."""

import asyncio
from collections.abc import Sequence
from typing import Any

from infra.kafka.delivery import PARTITION_OF_KEY, Outcome, Outgoing


class DeliveryGroup:
    """The outcome of each record, and a future that ends once all are known.

    Args:
        records: As they are sent.
        future: Ends with the outcomes, in the order of the records.
    """

    __slots__ = ("_left", "_numbers", "_outcomes", "_records", "future")

    def __init__(
        self, records: Sequence[Outgoing], future: "asyncio.Future[list[Outcome]]"
    ) -> None:
        self.future = future
        self._records = records
        self._numbers: dict[bytes | None, int] = {}
        self._outcomes: list[Any] = [None] * len(records)
        self._left = len(records)
        if not records:
            future.set_result([])

    def resolve(self, number: int, outcome: Outcome) -> None:
        """Store one record's outcome; the last one resolves the future."""
        self._outcomes[number] = outcome
        self._left -= 1
        if not self._left and not self.future.done():
            self.future.set_result(self._outcomes)

    def resolve_value(self, value: bytes | None, outcome: Outcome) -> None:
        """Store the outcome of the record with this value, where no two have the same."""
        if not self._numbers:
            self._numbers = {record.value: i for i, record in enumerate(self._records)}
        self.resolve(self._numbers[value], outcome)


def is_batch(records: Sequence[Outgoing]) -> bool:
    """Whether the client can take these records in one call.

    It then knows one topic, no headers and no timestamps, and tells records apart by their values.
    """
    if len(records) < 2:
        return False
    topic = records[0].topic
    plain = all(
        record.topic == topic
        and not record.headers
        and not record.timestamp
        and record.partition == PARTITION_OF_KEY
        for record in records
    )
    return plain and len({record.value for record in records}) == len(records)


def batch_message(record: Outgoing) -> dict[str, Any]:
    """A record as the client's `produce_batch` takes it."""
    return {"value": record.value, "key": record.key}
