"""What machines ask of the API."""

from typing import Any

import msgspec
import pytest

from infra.telemetry.metrics import STREAM_CLIENTS
from streams.api.status.pipeline_status import Beat, FakeObserver, Observed, evaluate
from tests.streams.api.conftest import FakeApi

ALL = FakeObserver().seen


def seen(**differs: object) -> Observed:
    return msgspec.structs.replace(ALL, **differs)


def worker(**differs: object) -> Beat:
    (found,) = [beat for beat in ALL.beats if beat.service == "worker"]
    return msgspec.structs.replace(found, detail=found.detail | differs)


PUBLISHER = Beat("publisher", "1", 0.1, {"active": True})


def test_a_whole_chain_is_ok(api: FakeApi) -> None:
    answer = api.client.get("/status")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize(
    ("observed", "word"),
    [
        (seen(beats=[]), "partitions have no worker"),
        (seen(beats=[worker(assigned={}), PUBLISHER]), "partitions have no worker"),
        (seen(beats=[worker(relay=False), PUBLISHER]), "relays"),
        (seen(beats=[worker()]), "publisher"),
        (seen(beats=[worker(), Beat("publisher", "1", 0, {"active": False})]), "publisher"),
        (seen(behind=["verdicts.votes.v1/3"]), "behind"),
        (seen(waiting=10.0), "waited 10 s for its page"),
        (seen(unrelayed=10.0), "waited 10 s for the changes topic"),
        (seen(failures=["The broker does not answer."]), "broker"),
        (seen(beats=[*ALL.beats, Beat("loader", "up", 0.1, {})]), "still being loaded"),
    ],
)
def test_a_broken_chain_says_where(api: FakeApi, observed: Any, word: str) -> None:
    api.fakes.observer.seen = observed
    answer = api.client.get("/status")
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"
    assert word in " ".join(answer.json()["reasons"])


def test_two_workers_may_share_the_partitions() -> None:
    assigned = worker().detail["assigned"]
    votes = {"verdicts.votes.v1": assigned["verdicts.votes.v1"]}
    rest = {topic: it for topic, it in assigned.items() if topic not in votes}
    one, other = worker(assigned=votes, relay=False), worker(assigned=rest)
    assert evaluate(seen(beats=[one, other, PUBLISHER])).ok


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
