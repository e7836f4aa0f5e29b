"""A cluster in which too few replicas are in sync to acknowledge a vote."""

import random
from collections.abc import Callable

import httpx
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from infra.kafka.client import create_admin
from schemas.topics import VOTES
from tests.faults.harness.brokers import Cluster
from tests.faults.harness.system import System
from tests.harness.waiting import wait_until

NOTICED_SECONDS = 10.0
TOO_FEW = "too few in-sync replicas to acknowledge an event."


def test_the_status_is_503_while_too_few_replicas_are_in_sync(
    chances: random.Random, make_system: Callable[[Cluster], System], three_brokers: Cluster
) -> None:
    """Nobody votes meanwhile, so no failed delivery tells of it."""
    system = make_system(three_brokers)
    _, url = system.api()
    system.worker()
    system.publisher()
    _require_every_replica(system)
    _await_status(url, 200, seconds=60)
    down = chances.choice(three_brokers.brokers)
    down.kill()
    _await_status(url, 503, NOTICED_SECONDS)
    # Other brokers lead by then, and answer; the status stays as it is.
    wait_until(
        "the reason is known",
        lambda: _await_status(url, 503, seconds=0).json()["reasons"],
        lambda reasons: any(TOO_FEW in reason for reason in reasons),
    )
    assert httpx.get(f"{url}/readyz", timeout=20, trust_env=False).status_code == 200
    three_brokers.start([down])
    _await_status(url, 200, seconds=60)


def _require_every_replica(system: System) -> None:
    """Ask for three replicas of votes in sync: a majority of brokers then lives without them."""
    entry = ConfigEntry("min.insync.replicas", "3", incremental_operation=AlterConfigOpType.SET)
    topic = ConfigResource(ResourceType.TOPIC, VOTES.name, incremental_configs=[entry])
    client = create_admin(system.settings)
    client.incremental_alter_configs([topic])[topic].result(20)


def _await_status(url: str, status: int, seconds: float) -> httpx.Response:
    return wait_until(
        f"the status is {status}",
        lambda: httpx.get(f"{url}/status", timeout=20, trust_env=False),
        lambda response: response.status_code == status,
        seconds=seconds,
    )
