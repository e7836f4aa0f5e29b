"""The one thread by which every service says that it runs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from infra.postgres.heartbeats import HeartbeatThread
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.integration


def details(engine: Engine, instance: str) -> list[dict[str, Any]]:
    """What the heartbeats of an instance say; none where it has no heartbeat."""
    query = text("select detail from verdicts.heartbeats where instance = :instance")
    with engine.connect() as connection:
        return list(connection.scalars(query, {"instance": instance}))


def test_a_detail_that_fails_once_does_not_end_the_heartbeats(
    projected: Engine, unique: Callable[[str], str]
) -> None:
    """A worker whose partitions cannot be named during a rebalance is not dead."""
    answers: Iterator[dict[str, Any]] = iter([{"assigned": {}}])
    failures = [RuntimeError("the group rebalances")]

    def detail() -> dict[str, Any]:
        if failures:
            raise failures.pop()
        return next(answers, {"assigned": {"votes": [1]}})

    instance = unique("worker")
    thread = HeartbeatThread(projected, "worker", instance, detail)
    thread.start()
    wait_until(
        "it says what it is assigned",
        lambda: details(projected, instance),
        lambda rows: rows == [{"assigned": {"votes": [1]}}],
    )
    thread.stop()
    assert details(projected, instance) == []


def test_a_thread_that_was_never_started_can_be_stopped(projected: Engine) -> None:
    """As in a service that fails before all of its threads run."""
    HeartbeatThread(projected, "worker", "w-1", dict).stop()
    assert details(projected, "w-1") == []
