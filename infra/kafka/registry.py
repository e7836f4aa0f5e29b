"""A Confluent-compatible schema registry: our schemas registered there, and its ids used.

Without one the pinned ids of `schemas/` are written and nothing here is used. Either way old
records stay readable, since the pinned ids are known everywhere and the registry knows its own.
"""

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx

from infra.errors import VerdictsError
from infra.kafka.codec import Codec
from infra.settings import Settings
from schemas.avro.catalogue import NEWEST, VERSIONS

COMPATIBILITY = "BACKWARD_TRANSITIVE"
# To start without a registry there is nothing to do but to wait for it. Amid the work others wait
# for who asks, and will ask again.
PATIENCE_SECONDS = 30.0
BUSY_PATIENCE_SECONDS = 1.0
ANSWER_SECONDS = 5.0
AWAY_SECONDS = 5.0
UNKNOWN_SECONDS = 60.0
MOST_UNKNOWN = 10_000

_AVRO = "AVRO"
_TYPE = "application/vnd.schemaregistry.v1+json"
_AWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


class RegistryError(VerdictsError):
    """The registry cannot be used; the message is one sentence that says why."""


class Registry:
    """A registry as the codec needs it: schemas in, ids out, and back.

    Args:
        url: Its address; a user and a password may stand in it.
        transport: Stands in for the network.
        patience: Seconds for which it may be away while schemas are registered.
        busy_patience: The same while one is looked up.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        url: str,
        transport: httpx.BaseTransport | None = None,
        patience: float = PATIENCE_SECONDS,
        busy_patience: float = BUSY_PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = patience
        self._busy_patience = busy_patience
        self._clock = clock
        self._away_until = clock()
        self._unknown: dict[int, float] = {}
        self._client = httpx.Client(
            base_url=url, timeout=ANSWER_SECONDS, transport=transport, headers={"Accept": _TYPE}
        )

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()

    def register_all(self) -> dict[str, int]:
        """Register every version of our schemas, and give the id of each topic's newest.

        What is registered already keeps its id, so any number of replicas may do this.

        Raises:
            RegistryError: When it refuses a schema, or stays away.
        """
        ids = {}
        for version in sorted(VERSIONS, key=lambda version: version.version):
            subject = version.topic.subject
            self._require_compatibility(subject)
            ids[version.topic.name] = self._register(subject, version.schema())
        assert set(ids) == set(NEWEST)
        return ids

    def schema(self, schema_id: int) -> Any | None:
        """The Avro schema of an id, or None when the registry knows none.

        Who asks has other work. So what it does not know it is not asked again for a minute, and
        where it is away, nothing is for some seconds.

        Raises:
            RegistryError: When it is away, which says nothing about the id.
        """
        if self._unknown.get(schema_id, 0.0) > self._clock():
            return None
        found = self._found(schema_id)
        if found is None:
            self._remember_unknown(schema_id)
        return found

    def _found(self, schema_id: int) -> Any | None:
        answer = self._look_up(schema_id)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        told = self._accepted(answer, f"schema {schema_id}")
        return json.loads(told["schema"]) if told.get("schemaType", _AVRO) == _AVRO else None

    def _look_up(self, schema_id: int) -> httpx.Response:
        if self._away_until > self._clock():
            raise RegistryError("The schema registry did not answer a moment ago.")
        try:
            return self._ask("GET", f"/schemas/ids/{schema_id}", patience=self._busy_patience)
        except RegistryError:
            self._away_until = self._clock() + AWAY_SECONDS
            raise

    def _remember_unknown(self, schema_id: int) -> None:
        if len(self._unknown) >= MOST_UNKNOWN:  # garbage without end: forget, do not grow
            self._unknown.clear()
        self._unknown[schema_id] = self._clock() + UNKNOWN_SECONDS

    def _require_compatibility(self, subject: str) -> None:
        """Give a subject of ours the rule that `make check` keeps, unless it has one of its own."""
        if self._ask("GET", f"/config/{subject}").status_code == HTTPStatus.NOT_FOUND:
            wanted = {"compatibility": COMPATIBILITY}
            self._accepted(self._ask("PUT", f"/config/{subject}", wanted), f"the rule of {subject}")

    def _register(self, subject: str, schema: Any) -> int:
        body = {"schema": json.dumps(schema), "schemaType": _AVRO}
        answer = self._ask("POST", f"/subjects/{subject}/versions", body)
        return int(self._accepted(answer, f"the schema of {subject}")["id"])

    def _ask(
        self, method: str, path: str, body: Any = None, patience: float | None = None
    ) -> httpx.Response:
        """Ask, again and again while nobody answers: services start in any order."""
        content = None if body is None else json.dumps(body)
        patience = self._patience if patience is None else patience
        deadline = time.monotonic() + patience
        while True:
            try:
                answer = self._client.request(
                    method,
                    path,
                    content=content,
                    headers={"Content-Type": _TYPE},
                    timeout=min(ANSWER_SECONDS, max(patience, BUSY_PATIENCE_SECONDS)),
                )
                if answer.status_code not in _AWAY:
                    return answer
                reason = f"status {answer.status_code}"
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            if time.monotonic() > deadline:
                raise RegistryError(f"The schema registry does not answer ({reason}).")
            time.sleep(0.2)

    def _accepted(self, answer: httpx.Response, what: str) -> dict[str, Any]:
        if answer.is_success:
            return dict(answer.json())
        raise RegistryError(
            f"The schema registry refused {what} with status {answer.status_code}: "
            f"{_reason(answer)}."
        )


def codec(settings: Settings) -> Codec:
    """The codec of a process: with the registry's ids where one is set, else with the pinned ones.

    Raises:
        RegistryError: When the registry cannot be used.
    """
    if not settings.schema_registry_url:
        return Codec()
    registry = Registry(settings.schema_registry_url)
    return Codec(ids=registry.register_all(), fetch=registry.schema)


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return "it did not say why"
