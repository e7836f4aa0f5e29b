"""A Confluent-compatible schema registry: registers our schemas there and uses its ids.

Without one, records carry the pinned ids of `schemas/` and nothing here is used. Old records stay
readable either way: every codec knows the pinned ids, and the registry knows its own.
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
from schemas.avro.catalogue import VERSIONS

COMPATIBILITY = "BACKWARD_TRANSITIVE"
# At the start a process can only wait for its registry. A decoding worker holds up its partition,
# and asks again anyway.
START_SECONDS = 30.0
LOOKUP_SECONDS = 1.0
ANSWER_SECONDS = 5.0
AWAY_SECONDS = 5.0
UNKNOWN_SECONDS = 60.0
MAX_UNKNOWN = 10_000

_AVRO = "AVRO"
_TYPE = "application/vnd.schemaregistry.v1+json"
_AWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


class RegistryError(VerdictsError):
    """The registry cannot be used; the message is one sentence that says why."""


class Registry:
    """Registers schemas for their ids, and finds the schema of an id.

    Args:
        url: Its address, which may contain user and password.
        transport: In place of the network.
        start_seconds: How long it may be away while schemas are registered.
        lookup_seconds: How long it may be away while a schema is looked up.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        url: str,
        transport: httpx.BaseTransport | None = None,
        start_seconds: float = START_SECONDS,
        lookup_seconds: float = LOOKUP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start_seconds = start_seconds
        self._lookup_seconds = lookup_seconds
        self._clock = clock
        self._away_until = clock()
        self._unknown: dict[int, float] = {}
        self._client = httpx.Client(
            base_url=url, timeout=ANSWER_SECONDS, transport=transport, headers={"Accept": _TYPE}
        )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def register_all(self) -> dict[int, int]:
        """Register every version of our schemas; return the registry's ids by the pinned ids.

        A registered schema keeps its id, so any number of replicas may do this.

        Raises:
            RegistryError: the registry refuses a schema, or does not answer.
        """
        ids = {}
        for version in sorted(VERSIONS, key=lambda version: version.version):
            subject = version.topic.subject
            self._require_compatibility(subject)
            ids[version.id] = self._register(subject, version.schema())
        return ids

    def schema(self, schema_id: int) -> Any | None:
        """The Avro schema of an id, or None when the registry knows none.

        Lookups hold up a worker. So an unknown id is not asked for again for a minute, and after a
        missing answer nothing is asked for some seconds.

        Raises:
            RegistryError: the registry does not answer, which says nothing about the id.
        """
        if self._unknown.get(schema_id, 0.0) > self._clock():
            return None
        schema = self._fetch(schema_id)
        if schema is None:
            self._remember_unknown(schema_id)
        return schema

    def _fetch(self, schema_id: int) -> Any | None:
        response = self._look_up(schema_id)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        body = self._require_success(response, f"schema {schema_id}")
        return json.loads(body["schema"]) if body.get("schemaType", _AVRO) == _AVRO else None

    def _look_up(self, schema_id: int) -> httpx.Response:
        if self._away_until > self._clock():
            raise RegistryError("The schema registry did not answer a moment ago.")
        try:
            return self._ask("GET", f"/schemas/ids/{schema_id}", seconds=self._lookup_seconds)
        except RegistryError:
            self._away_until = self._clock() + AWAY_SECONDS
            raise

    def _remember_unknown(self, schema_id: int) -> None:
        if len(self._unknown) >= MAX_UNKNOWN:  # endless garbage must not fill the memory
            self._unknown.clear()
        self._unknown[schema_id] = self._clock() + UNKNOWN_SECONDS

    def _require_compatibility(self, subject: str) -> None:
        """Set our compatibility rule for a subject without one; `make check` keeps the same."""
        if self._ask("GET", f"/config/{subject}").status_code == HTTPStatus.NOT_FOUND:
            rule = {"compatibility": COMPATIBILITY}
            response = self._ask("PUT", f"/config/{subject}", rule)
            self._require_success(response, f"the rule of {subject}")

    def _register(self, subject: str, schema: Any) -> int:
        body = {"schema": json.dumps(schema), "schemaType": _AVRO}
        response = self._ask("POST", f"/subjects/{subject}/versions", body)
        return int(self._require_success(response, f"the schema of {subject}")["id"])

    def _ask(
        self, method: str, path: str, body: Any = None, seconds: float | None = None
    ) -> httpx.Response:
        """Send a request, and retry while the registry is away: services start in any order."""
        content = None if body is None else json.dumps(body)
        seconds = self._start_seconds if seconds is None else seconds
        deadline = time.monotonic() + seconds
        while True:
            try:
                response = self._client.request(
                    method,
                    path,
                    content=content,
                    headers={"Content-Type": _TYPE},
                    timeout=min(ANSWER_SECONDS, max(seconds, LOOKUP_SECONDS)),
                )
                if response.status_code not in _AWAY:
                    return response
                reason = f"status {response.status_code}"
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            if time.monotonic() > deadline:
                raise RegistryError(f"The schema registry does not answer ({reason}).")
            time.sleep(0.2)

    def _require_success(self, response: httpx.Response, what: str) -> dict[str, Any]:
        if response.is_success:
            return dict(response.json())
        raise RegistryError(
            f"The schema registry refused {what} with status {response.status_code}: "
            f"{_reason(response)}."
        )


def codec(settings: Settings) -> Codec:
    """The codec of a process: with the registry's ids where one is set, else with pinned ids.

    Raises:
        RegistryError: the registry cannot be used.
    """
    if not settings.schema_registry_url:
        return Codec()
    registry = Registry(settings.schema_registry_url)
    return Codec(ids=registry.register_all(), fetch=registry.schema)


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return "no reason given"
