"""Takes the measurements of `infra.telemetry.metrics` where one line must do, once per batch."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from infra.telemetry.metrics import (
    CHANGES_RELAYED,
    DEAD_LETTERS,
    PAGES_RENDERED,
    PRINT_SECONDS,
    RELAY_SECONDS,
)
from schemas.topics import EVENT_TOPICS


def dead_lettered(topics: Iterable[str]) -> None:
    """Records became dead letters; the topic of each."""
    for topic, number in Counter(topics).items():
        _child(DEAD_LETTERS, topic).inc(number)


def relayed(kinds: Iterable[str], seconds: float) -> None:
    """A batch of changes was published; the kind of each."""
    RELAY_SECONDS.observe(seconds)
    for kind, number in Counter(kinds).items():
        _child(CHANGES_RELAYED, kind).inc(number)


def built(rendered: int, changed: int, seconds: float) -> None:
    """The publisher made a run."""
    PRINT_SECONDS.observe(seconds)
    _child(PAGES_RENDERED, "written").inc(changed)
    _child(PAGES_RENDERED, "unchanged").inc(rendered - changed)


@cache
def _child(metric: Any, label: str) -> Any:
    """A labelled metric, looked up once."""
    return metric.labels(label)


# A series that began with its first burst would show no increase, and alarm nobody.
for _topic in EVENT_TOPICS:
    _child(DEAD_LETTERS, _topic.name)
