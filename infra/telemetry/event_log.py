"""An event's way through the stages in the logs, at level debug: VERDICTS_LOG_LEVEL=debug.

The API and the worker name the event's id. The outbox knows keys alone, so the relay and the
publisher name the keys whose records they publish and whose pages they write. Where traces are
taken, they take them on here.
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
_plain = logging.getLogger(NAME)


def accepted(event_id: str, delivery: Delivery) -> Delivery:
    """The broker has an event; gives the delivery back."""
    if _plain.isEnabledFor(logging.DEBUG):
        log.debug("accepted", id=event_id, **msgspec.structs.asdict(delivery))
    return delivery


def applied(place: TopicPartition, ids: Iterable[str]) -> None:
    """The projections hold events."""
    if _plain.isEnabledFor(logging.DEBUG):
        log.debug("applied", topic=place[0], partition=place[1], ids=list(ids))


def relayed(engine: Engine, keys: Collection[Key], seconds: float) -> None:
    """Changed records were published."""
    _named("relayed", keys)
    tracing.relayed(engine, keys, seconds)


def built(engine: Engine, keys: Collection[Key], seconds: float) -> None:
    """Pages of changed records are written."""
    _named("built", keys)
    tracing.built(engine, keys, seconds)


def _named(stage: str, keys: Collection[Key]) -> None:
    if _plain.isEnabledFor(logging.DEBUG):
        log.debug(stage, keys=[f"{kind}:{key}" for kind, key in keys])
