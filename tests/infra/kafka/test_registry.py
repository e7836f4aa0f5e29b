import json
from typing import Any

import httpx
import pytest

from infra.kafka.codec import HEADER, MAGIC, Codec, UndecodableError
from infra.kafka.registry import (
    AWAY_SECONDS,
    COMPATIBILITY,
    UNKNOWN_SECONDS,
    Registry,
    RegistryError,
    codec,
)
from infra.settings import Settings
from schemas.avro.catalogue import VERSIONS


class FakeRegistry:
    """As much of the Confluent API as we use, in memory."""

    def __init__(self) -> None:
        self.schemas: list[str] = []
        self.rules: dict[str, str] = {}
        self.answers: list[int] = []
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if self.answers:
            return httpx.Response(self.answers.pop(0))
        _, *path = request.url.path.split("/")
        body: Any = json.loads(request.content) if request.content else None
        match request.method, path:
            case "GET", ["config", subject]:
                known = subject in self.rules
                return httpx.Response(200 if known else 404, json={})
            case "PUT", ["config", subject]:
                self.rules[subject] = body["compatibility"]
                return httpx.Response(200, json=body)
            case "POST", ["subjects", _, "versions"]:
                return httpx.Response(200, json={"id": self.id_of(body["schema"])})
            case "GET", ["schemas", "ids", number] if int(number) <= len(self.schemas):
                return httpx.Response(200, json={"schema": self.schemas[int(number) - 1]})
        return httpx.Response(404, json={"error_code": 40403, "message": "not found."})

    def id_of(self, schema: str) -> int:
        if schema not in self.schemas:
            self.schemas.append(schema)
        return self.schemas.index(schema) + 1


def at(fake: FakeRegistry) -> Registry:
    return Registry("http://registry", httpx.MockTransport(fake))


def test_every_version_of_a_schema_gets_the_registrys_id() -> None:
    fake = FakeRegistry()
    ids = at(fake).register_all()
    assert set(ids) == {version.id for version in VERSIONS}
    assert all(0 < number <= len(fake.schemas) for number in ids.values())
    assert at(fake).register_all() == ids


def test_every_version_is_known_by_the_registrys_id_and_by_its_pinned_one() -> None:
    ids = at(FakeRegistry()).register_all()
    known = Codec(ids=ids).versions
    assert all(known[pinned] is known[registered] for pinned, registered in ids.items())
    assert len(known) == 2 * len(VERSIONS)


def test_our_subjects_get_our_rule_unless_they_have_one() -> None:
    fake = FakeRegistry()
    fake.rules["verdicts.votes.v1-value"] = "FULL"
    at(fake).register_all()
    assert fake.rules.pop("verdicts.votes.v1-value") == "FULL"
    assert set(fake.rules.values()) == {COMPATIBILITY}


def test_a_schema_is_found_by_its_id_and_an_unknown_one_is_not() -> None:
    fake = FakeRegistry()
    ids = at(fake).register_all()
    for version in VERSIONS:
        assert at(fake).schema(ids[version.id]) == version.schema()
    assert at(fake).schema(10_000) is None


def test_a_registry_that_is_briefly_away_is_asked_again() -> None:
    fake = FakeRegistry()
    fake.answers = [503, 502]
    assert at(fake).schema(1) is None


def test_a_registry_that_stays_away_says_nothing_about_an_id() -> None:
    fake = FakeRegistry()
    fake.answers = [503]
    registry = Registry("http://registry", httpx.MockTransport(fake), lookup_seconds=0)
    with pytest.raises(RegistryError, match="does not answer"):
        registry.schema(1)


def test_a_registry_that_is_away_is_not_asked_for_some_seconds() -> None:
    fake, now = FakeRegistry(), 0.0
    fake.id_of('"string"')
    fake.answers = [503, 503]
    registry = Registry(
        "http://registry", httpx.MockTransport(fake), lookup_seconds=0, clock=lambda: now
    )
    for _ in range(100):
        with pytest.raises(RegistryError, match="not answer"):
            registry.schema(1)
    assert fake.answers == [503]
    now = AWAY_SECONDS
    with pytest.raises(RegistryError, match="does not answer"):
        registry.schema(1)
    now = 2 * AWAY_SECONDS
    assert registry.schema(1) == "string"


def test_a_lookup_waits_for_a_registry_less_than_a_start() -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    registry = Registry("http://registry", httpx.MockTransport(away), start_seconds=3_600)
    with pytest.raises(RegistryError, match="refused"):
        registry.schema(1)


def test_an_unknown_id_is_asked_for_once_a_minute() -> None:
    fake, now = FakeRegistry(), 0.0
    registry = Registry("http://registry", httpx.MockTransport(fake), clock=lambda: now)
    decode = Codec(fetch=registry.schema).decode
    for _ in range(100):
        with pytest.raises(UndecodableError, match="unknown schema id 1"):
            decode("verdicts.votes.v1", HEADER.pack(MAGIC, 1))
    assert fake.asked == ["/schemas/ids/1"]
    fake.id_of('"string"')
    assert registry.schema(1) is None
    now = UNKNOWN_SECONDS
    assert registry.schema(1) == "string"


def test_a_schema_that_is_no_avro_counts_as_none() -> None:
    answer = httpx.Response(200, json={"schemaType": "PROTOBUF", "schema": 'syntax = "proto3";'})
    other = Registry("http://registry", httpx.MockTransport(lambda _: answer))
    assert other.schema(1) is None


def test_the_error_of_a_refused_schema_has_the_registrys_reason() -> None:
    refusal = httpx.Response(409, json={"message": "Schema is incompatible."})
    strict = Registry("http://registry", httpx.MockTransport(lambda _: refusal))
    with pytest.raises(RegistryError, match=r"status 409: Schema is incompatible\.$"):
        strict.register_all()


def test_without_a_registry_the_pinned_ids_are_written() -> None:
    assert codec(Settings.from_environment({}))
