"""What machines ask of the API."""

from typing import Any

import msgspec
import pytest

from infra.kafka.transactions.open_transactions import OpenTransaction
from infra.telemetry.metrics import STREAM_CLIENTS
from projections.pipeline_state import Heartbeat, Lag, PipelineState, Queue
from streams.api.status.pipeline_status import evaluate
from streams.api.status.status_probe import FakeObserver
from tests.streams.api.conftest import FakeApi

WORKING = FakeObserver().state


def state(**differs: object) -> PipelineState:
    return msgspec.structs.replace(WORKING, **differs)


def worker(age: float = 0.5, **differs: object) -> Heartbeat:
    (heartbeat,) = [beat for beat in WORKING.heartbeats if beat.service == "worker"]
    return msgspec.structs.replace(heartbeat, age=age, detail=heartbeat.detail | differs)


PUBLISHER = Heartbeat("publisher", "1", 0.1, {"active": True})
IDLE_PUBLISHER = Heartbeat("publisher", "1", 0, {"active": False})
LOADER = Heartbeat("loader", "up", 0.1, {})
VOTES_3 = ("verdicts.votes.v1", 3)
LATE = {("projections_1", VOTES_3): Lag(1, 12.0)}
LATE_OF_UNKNOWN_AGE = {("projections_1", VOTES_3): Lag(1, None)}


def test_a_working_pipeline_is_ok(api: FakeApi) -> None:
    answer = api.client.get("/status")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (state(heartbeats=()), "partitions have no worker"),
        (state(heartbeats=(worker(assigned={}), PUBLISHER)), "partitions have no worker"),
        (state(heartbeats=(worker(age=5.0), PUBLISHER)), "partitions have no worker"),
        (state(heartbeats=(worker(relay=False), PUBLISHER)), "relays"),
        (state(heartbeats=(worker(),)), "publisher"),
        (state(heartbeats=(worker(), IDLE_PUBLISHER)), "publisher"),
        (state(lags=LATE), "behind"),
        (state(lags=LATE_OF_UNKNOWN_AGE), "behind"),
        (state(open_transactions=(OpenTransaction(VOTES_3, 88, 5.0),)), "open for 5 s stops"),
        (state(open_transactions=(OpenTransaction(VOTES_3, 88, None),)), "verdicts.votes.v1/3"),
        (state(unwritable=(VOTES_3,)), "1 partition has too few in-sync replicas"),
        (state(unwritable=(VOTES_3, VOTES_3)), "2 partitions have too few in-sync replicas"),
        (state(delivery_fault="The broker is silent."), "The broker is silent."),
        (state(queues=(Queue("pages", 1, 10.0),)), "waited 10 s for its page"),
        (state(queues=(Queue("outbox", 1, 10.0),)), "waited 10 s for the changes topic"),
        (state(failures=("The broker does not answer.",)), "broker"),
        (state(heartbeats=(*WORKING.heartbeats, LOADER)), "still being loaded"),
    ],
)
def test_a_broken_pipeline_says_where(api: FakeApi, broken: Any, word: str) -> None:
    api.fakes.observer.state = broken
    answer = api.client.get("/status")
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"
    assert word in " ".join(answer.json()["reasons"])


def test_a_transaction_of_a_moment_is_no_fault() -> None:
    assert evaluate(state(open_transactions=(OpenTransaction(VOTES_3, 88, 4.9),))).ok


def test_backfill_is_no_fault_however_old_it_is() -> None:
    evaluation = evaluate(state(queues=(Queue("backfill", 900, 3600.0),)))
    assert evaluation.ok
    assert evaluation.waiting_seconds == 0


def test_two_workers_may_share_the_partitions() -> None:
    assigned = worker().detail["assigned"]
    votes = {"verdicts.votes.v1": assigned["verdicts.votes.v1"]}
    rest = {topic: numbers for topic, numbers in assigned.items() if topic not in votes}
    one, other = worker(assigned=votes, relay=False), worker(assigned=rest)
    assert evaluate(state(heartbeats=(one, other, PUBLISHER))).ok


def test_a_process_is_ready_when_broker_and_database_are(api: FakeApi) -> None:
    assert api.client.get("/readyz").status_code == 200
    api.fakes.observer.fault = "The broker does not answer."
    answer = api.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "The broker does not answer."
    assert "retry-after" in answer.headers
    assert api.client.get("/healthz").status_code == 200


def test_a_process_that_ends_is_no_longer_ready(api: FakeApi) -> None:
    api.components.health.closing = True
    assert api.client.get("/readyz").status_code == 503


def test_metrics_are_in_the_format_of_prometheus(api: FakeApi) -> None:
    api.client.get("/v1/tools")
    answer = api.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'verdicts_http_request_seconds_count{method="GET",route="/v1/tools",status="200"}' in (
        answer.text
    )
    assert STREAM_CLIENTS is not None
