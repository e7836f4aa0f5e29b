"""Logs an event's stages at level debug (VERDICTS_LOG_LEVEL=debug), and continues its trace.

API and worker log the event's id. The outbox holds keys alone, so relay and publisher log the keys
of the records that they publish and of the pages that they write.
"""

import logging
from collections.abc import Collection, Iterable

import msgspec
import structlog
from sqlalchemy import Engine

from infra.kafka.delivery import Delivery
from infra.telemetry import tracing
from schemas.topics import TopicPartition

NAME = __name__
log = structlog.get_logger(NAME)
Key = tuple[str, str]
_logger = logging.getLogger(NAME)


def accepted(event_id: str, delivery: Delivery) -> Delivery:
    """Log an event that the broker acknowledged; returns the delivery."""
    if _logger.isEnabledFor(logging.DEBUG):
        log.debug("accepted", id=event_id, **msgspec.structs.asdict(delivery))
    return delivery


def applied(topic_partition: TopicPartition, ids: Iterable[str]) -> None:
    """Log events that the projections hold."""
    if _logger.isEnabledFor(logging.DEBUG):
        topic, partition = topic_partition
        log.debug("applied", topic=topic, partition=partition, ids=list(ids))


def relayed(engine: Engine, keys: Collection[Key], seconds: float) -> None:
    """Log published records, and continue their traces."""
    _log_keys("relayed", keys)
    tracing.relayed(engine, keys, seconds)


def built(engine: Engine, keys: Collection[Key], seconds: float) -> None:
    """Log records whose pages are written, and end their traces."""
    _log_keys("built", keys)
    tracing.built(engine, keys, seconds)


def _log_keys(stage: str, keys: Collection[Key]) -> None:
    if _logger.isEnabledFor(logging.DEBUG):
        log.debug(stage, keys=[f"{kind}:{key}" for kind, key in keys])
