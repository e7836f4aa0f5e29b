"""Judges schemas: the catalogue's files, and the registry's newest versions."""

import json
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from infra.cli.doctor.finding import Finding, fail, ok, several, warn
from infra.kafka.registry import RegistryError
from schemas.avro.catalogue import NEWEST, VERSIONS, fingerprint

SECONDS = 10.0


class Registered(msgspec.Struct):
    """A registry's answer for a known schema, as far as it is needed here."""

    version: int


class Unregistered(msgspec.Struct):
    """A registry's answer for an unknown schema; other servers answer otherwise."""

    error_code: int


def schemas(edited: list[str], unregistered: list[str], *, registry: bool) -> Finding:
    """Whether every reader with the catalogue or the registry can read the written events."""
    if edited:
        return fail(
            "schemas",
            f"{several(edited)} differ from what was published.",
            "Undo the edits: records that stand on the log could become unreadable.",
        )
    if unregistered:
        return warn(
            "schemas",
            f"The registry's newest schema of {several(unregistered)} is not ours.",
            "Find out who registered it; our services register theirs when they start.",
        )
    where = "in the catalogue and the registry" if registry else "in the catalogue"
    return ok("schemas", f"All schemas are as they were published, {where}.")


def edited_schemas() -> list[str]:
    """Versions whose files are not those that were published."""
    return [version.stem for version in VERSIONS if fingerprint(version.schema()) != version.sha256]


def unregistered(url: str, transport: httpx.BaseTransport | None = None) -> list[str]:
    """Subjects whose newest version in the registry is not our newest.

    Raises:
        httpx.HTTPError: no server answers there.
        RegistryError: the server is no registry, or refuses to answer.
    """
    with httpx.Client(base_url=url, timeout=SECONDS, transport=transport) as client:
        return [
            version.topic.subject
            for version in NEWEST.values()
            if not _is_newest(client, version.topic.subject, version.schema())
        ]


def _is_newest(client: httpx.Client, subject: str, schema: Any) -> bool:
    body = {"schema": json.dumps(schema), "schemaType": "AVRO"}
    ours = _registered(client.post(f"/subjects/{subject}", json=body))
    latest = _registered(client.get(f"/subjects/{subject}/versions/latest"))
    return ours is not None and ours == latest


def _registered(response: httpx.Response) -> Registered | None:
    """The registered schema, or None where there is none."""
    unknown = response.status_code == HTTPStatus.NOT_FOUND
    if not (response.is_success or unknown):
        raise RegistryError(f"The schema registry answers with status {response.status_code}.")
    try:
        body = msgspec.json.decode(response.content, type=Unregistered if unknown else Registered)
    except msgspec.DecodeError as error:
        raise RegistryError(f"What answers is no schema registry ({error}).") from error
    return body if isinstance(body, Registered) else None
