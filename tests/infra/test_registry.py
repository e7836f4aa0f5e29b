import json
from typing import Any

import httpx
import pytest

from infra.registry import COMPATIBILITY, Registry, RegistryError, codec
from infra.settings import Settings
from schemas.catalogue import NEWEST


class FakeRegistry:
    """As much of the Confluent API as we use, in memory."""

    def __init__(self) -> None:
        self.schemas: list[str] = []
        self.rules: dict[str, str] = {}
        self.answers: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
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


def test_every_topic_with_a_schema_gets_the_registrys_id() -> None:
    fake = FakeRegistry()
    ids = at(fake).register_all()
    assert set(ids) == set(NEWEST)
    assert all(0 < number <= len(fake.schemas) for number in ids.values())
    assert at(fake).register_all() == ids


def test_our_subjects_get_our_rule_unless_they_have_one() -> None:
    fake = FakeRegistry()
    fake.rules["verdicts.votes.v1-value"] = "FULL"
    at(fake).register_all()
    assert fake.rules.pop("verdicts.votes.v1-value") == "FULL"
    assert set(fake.rules.values()) == {COMPATIBILITY}


def test_a_schema_is_found_by_its_id_and_an_unknown_one_is_not() -> None:
    fake = FakeRegistry()
    ids = at(fake).register_all()
    votes = "verdicts.votes.v1"
    assert at(fake).schema(ids[votes]) == NEWEST[votes].schema()
    assert at(fake).schema(10_000) is None


def test_a_registry_that_is_away_for_a_moment_is_asked_again() -> None:
    fake = FakeRegistry()
    fake.answers = [503, 502]
    assert at(fake).schema(1) is None


def test_a_registry_that_stays_away_says_nothing_about_an_id() -> None:
    fake = FakeRegistry()
    fake.answers = [503]
    with pytest.raises(RegistryError, match="does not answer"):
        Registry("http://registry", httpx.MockTransport(fake), patience=0).schema(1)


def test_a_refused_schema_is_told_with_the_registrys_reason() -> None:
    refusal = httpx.Response(409, json={"message": "Schema is incompatible."})
    strict = Registry("http://registry", httpx.MockTransport(lambda _: refusal))
    with pytest.raises(RegistryError, match=r"status 409: Schema is incompatible\.$"):
        strict.register_all()


def test_without_a_registry_the_pinned_ids_are_written() -> None:
    assert codec(Settings.from_environment({}))
