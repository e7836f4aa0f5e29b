"""What tests write to a broker beside events."""

from typing import Any

from infra.kafka.reader import LogRecord
from infra.settings import Settings
from streams.deadletters.producer import DeadLetterProducer


def write_dead_letter(settings: Settings, record: LogRecord, error: Exception) -> None:
    """Write one dead letter as a worker does."""
    failed: Any = (record, error)  # a named tuple's fields cannot be set, the worker's records' can
    DeadLetterProducer(settings).write([failed])
