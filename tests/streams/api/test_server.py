"""The serving process on a real broker and a real database, without workers."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import confluent_kafka
import httpx
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from infra.kafka.client import create_consumer
from infra.kafka.codec import Codec
from infra.postgres.engine import create_engine
from projections.private import tokens
from schemas.avro.catalogue import NEWEST, VERSIONS
from schemas.digests import Counts, Digest, WeeklyDigest
from schemas.events import CategoryDefined
from schemas.records import Tool
from schemas.time import weeks
from schemas.time.instants import to_datetime
from schemas.topics import CHANGES
from tests.harness import records
from tests.harness.databases import created
from tests.harness.examples import avro
from tests.harness.kafka import Sender
from tests.streams.api.serving_process import RUN, Api

pytestmark = pytest.mark.integration

CATEGORY = {
    "type": "category.defined",
    "data": {"category": "editors", "name": "Editors", "description": "They write."},
}


@pytest.fixture(scope="module")
def fresh(database: str) -> Iterator[str]:
    """An empty database, which the process migrates."""
    with created(database, "test_api_server") as address:
        yield address


@pytest.fixture(scope="module")
def api(kafka: dict[str, str], fresh: str) -> Iterator[Api]:
    running = Api(kafka, fresh)
    running.prepare()
    running.start()
    yield running
    assert running.process
    running.process.kill()
    running.process.wait()


def a_tool(slug: str, version: int) -> Tool:
    return records.a_tool(slug, slug, votes=(version, 0), version=version)


def consumed(api: Api, result: dict[str, Any]) -> confluent_kafka.Message:
    consumer = create_consumer(api.settings)
    partition = confluent_kafka.TopicPartition(
        result["topic"], result["partition"], result["offset"]
    )
    consumer.assign([partition])
    message = consumer.poll(20)
    consumer.close()
    assert message is not None
    return message


def test_an_accepted_event_is_at_the_reported_offset(api: Api) -> None:
    answer = api.client.post("/v1/events", json=CATEGORY, headers=api.token("editor"))
    assert answer.status_code == 202
    (result,) = answer.json()["results"]
    message = consumed(api, result)
    event = Codec().decode(result["topic"], message.value())
    assert isinstance(event.data, CategoryDefined)
    assert (event.id, event.data.category) == (result["id"], "editors")
    assert message.key() == b"editors"
    assert ("ce_type", b"category.defined") in list(message.headers() or ())


def a_closed_week() -> Digest:
    start, end = map(to_datetime, weeks.span("2026-W47"))
    digest = WeeklyDigest(
        week="2026-W47", start=start, end=end, frozen=True, counts=Counts(votes=15)
    )
    return Digest.of(digest, version=20)


def test_confluents_deserializer_reads_changes_with_our_address_as_its_registry(api: Api) -> None:
    """Also the records of an older release, which follow the first version of the schema."""
    first = next(version for version in VERSIONS if version.stem == "changes.1")
    (older,) = (each["value"] for each in first.examples() if each["record"] == "Digest")
    records = [
        Codec().encode_record(a_tool("read-downstream", 3)),
        Codec().encode_record(a_closed_week()),
        avro(first.schema(), "Digest", older, first.id),
    ]
    offsets = [Sender(api.kafka).send_raw(CHANGES.name, b"k", raw) for raw in records]
    with SchemaRegistryClient({"url": api.url}) as registry:
        decode = AvroDeserializer(registry)
        at = SerializationContext(CHANGES.name, MessageField.VALUE)
        tool, digest, text = [decode(written.value(), at) for written in offsets]
    assert (tool["tool"], tool["community"]["ship"]) == ("read-downstream", 3)
    assert (digest["counts"]["votes"], digest["end"]) == (15, a_closed_week().end)
    assert text["digest"] == older["digest"]


def test_confluents_client_finds_subjects_versions_and_what_is_missing(api: Api) -> None:
    with SchemaRegistryClient({"url": api.url}) as registry:
        assert CHANGES.subject in registry.get_subjects()
        assert registry.get_versions(CHANGES.subject) == [1, 2, 3]
        latest = registry.get_latest_version(CHANGES.subject)
        assert (latest.version, latest.schema_id) == (3, NEWEST[CHANGES.name].id)
        ids = [registry.get_version(CHANGES.subject, number).schema_id for number in (1, 2, 3)]
        assert ids == sorted(set(ids))
        questions: list[tuple[Callable[[], object], int]] = [
            (lambda: registry.get_schema(7), 40403),
            (lambda: registry.get_versions("elsewhere"), 40401),
            (lambda: registry.get_version(CHANGES.subject, 9), 40402),
        ]
        for ask, code in questions:
            with pytest.raises(SchemaRegistryError) as caught:
                ask()
            assert (caught.value.http_status_code, caught.value.error_code) == (404, code)
        with pytest.raises(SchemaRegistryError) as refused:
            registry.register_schema(CHANGES.subject, Schema('"string"', "AVRO"))
        assert refused.value.http_status_code == 405


def test_a_revoked_token_is_refused_within_two_seconds(api: Api) -> None:
    bearer = api.token("editor")
    assert api.client.post("/v1/events", json=CATEGORY, headers=bearer).status_code == 202
    token_id = bearer["Authorization"].split("_")[1]
    with create_engine(api.settings).begin() as connection:
        assert tokens.revoke(connection, token_id)
        assert not tokens.revoke(connection, token_id)
    since = time.monotonic()
    api.await_true(
        "the token is refused",
        lambda: api.client.post("/v1/events", json=CATEGORY, headers=bearer).status_code == 401,
    )
    assert time.monotonic() - since < 3


def test_prefer_wait_returns_at_the_workers_commit(api: Api) -> None:
    headers = api.token("editor") | {"Prefer": "wait=20"}
    first = api.client.post("/v1/events", json=CATEGORY, headers=api.token("editor"))
    (before,) = first.json()["results"]
    upto = before["offset"] + 2
    timer = threading.Timer(
        0.2, api.say, ("applied", f"{before['topic']}/{before['partition']}/{upto}")
    )
    timer.start()
    answer = api.client.post("/v1/events", json=CATEGORY, headers=headers)
    timer.join()
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait")


def test_a_change_on_the_topic_reaches_the_tools_followers(api: Api) -> None:
    with httpx.stream(
        "GET", f"{api.url}/v1/changes?tool=followed", timeout=20, trust_env=False
    ) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "retry: 2000"
        api.publish(a_tool("unfollowed", 1))
        api.publish(a_tool("followed", 2))
        event_lines = [line for line in (next(lines) for _ in range(4)) if line]
    assert event_lines[:2] == ["id: 2", "event: tally"]
    assert '"version":2' in event_lines[2]


def test_a_vote_is_acknowledged_without_workers(api: Api) -> None:
    api.publish(a_tool("votable", 1))
    api.await_true(
        "the tool is known",
        lambda: api.client.delete("/v1/tools/votable/vote", headers=api.here).status_code == 200,
    )
    answer = api.client.put("/v1/tools/votable/vote", json={"choice": "skip"}, headers=api.here)
    assert (answer.status_code, answer.json()["choice"]) == (200, "skip")


def test_without_workers_the_status_is_503(api: Api) -> None:
    answer = api.client.get("/status")
    assert answer.status_code == 503
    assert any("worker" in reason for reason in answer.json()["reasons"])


def test_a_taken_port_is_reported_in_one_sentence(api: Api) -> None:
    tried = subprocess.run(
        RUN,
        env=os.environ | api.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 1
    assert f"127.0.0.1:{api.port} is in use; set VERDICTS_PORT" in tried.stderr


def test_a_terminated_process_finishes_its_requests_and_ends(
    kafka: dict[str, str], fresh: str
) -> None:
    api = Api(kafka, fresh)
    api.start()
    assert api.process
    bearer = api.token("editor") | {"Prefer": "wait=1"}
    answers: list[int] = []

    def ask() -> None:
        answers.append(api.client.post("/v1/events", json=CATEGORY, headers=bearer).status_code)

    with httpx.stream("GET", f"{api.url}/v1/changes?tool=x", timeout=20, trust_env=False) as stream:
        lines = stream.iter_lines()
        next(lines)
        asking = threading.Thread(target=ask)
        asking.start()
        api.await_true("a browser reads", lambda: _received(api) >= 1)
        api.process.send_signal(signal.SIGTERM)
        assert [line for line in lines if line] == []
    asking.join()
    assert answers == [202]
    assert api.process.wait(10) == 0


def _received(api: Api) -> float:
    text = httpx.get(f"{api.url}/metrics", trust_env=False).text
    name = 'verdicts_events_received_total{outcome="accepted",type="category.defined"} '
    return sum(float(line.removeprefix(name)) for line in text.split("\n") if line.startswith(name))
