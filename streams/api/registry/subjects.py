"""What a schema registry answers about the schemas of our topics."""

import json
from typing import Literal

import msgspec
from starlette.responses import Response

from infra.kafka.codec import Codec
from schemas.avro.catalogue import VERSIONS, Version
from streams.api.http.problems import Problem
from streams.api.http.responses import encode

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
LATEST = ("latest", "-1")
MAX_VERSION = 2**31 - 1


class RegistryErrorBody(msgspec.Struct, frozen=True):
    """An error of the schema registry, with Confluent's code."""

    error_code: int
    message: str


class RegistryProblem(Problem):
    """An error in the words of a schema registry."""

    def __init__(self, status: int, error_code: int, message: str) -> None:
        super().__init__(status, message)
        self.error = RegistryErrorBody(error_code, message)

    def response(self) -> Response:
        """The error as a response."""
        return Response(encode(self.error), self.status, media_type=MEDIA_TYPE)


class SchemaText(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An Avro schema as JSON text; `maxId` is the greatest id, where asked for."""

    schema: str
    max_id: int | None = None


class SubjectVersion(msgspec.Struct, frozen=True):
    """A version of a subject, and the schema id that new records carry."""

    subject: str
    version: int
    id: int
    schema: str


class Subjects:
    """Looks up schemas by the ids that records of this installation carry.

    These are the pinned ids and, where a registry is set, the registry's ids of our schemas. No
    other schema of that registry is shown.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def names(self, prefix: str = "") -> list[str]:
        """Every subject that begins so; `:*:` stands for every context."""
        subjects = {version.topic.subject for version in VERSIONS}
        return sorted(name for name in subjects if name.startswith(prefix.removeprefix(":*:")))

    def numbers(self, subject: str) -> list[int]:
        """The versions of a subject.

        Raises:
            RegistryProblem: 40401.
        """
        return [version.version for version in _versions_of(subject)]

    def version(self, subject: str, number: str) -> SubjectVersion:
        """One version of a subject; `latest` or `-1` is the newest.

        Raises:
            RegistryProblem: 40401, 40402, or 42202 where `number` cannot be a version.
        """
        wanted = _read_number(number)
        versions = _versions_of(subject)
        if wanted == "latest":
            wanted = versions[-1].version
        for version in versions:
            if version.version == wanted:
                schema_id = self._codec.id_of(version)
                return SubjectVersion(subject, version.version, schema_id, _text(version))
        raise RegistryProblem(404, 40402, f"Version {wanted} not found.")

    def schema(self, number: str, *, with_max_id: bool = False) -> SchemaText:
        """The schema of an id.

        Raises:
            RegistryProblem: 40403, or 404 where `number` is none.
        """
        if not (number.isascii() and number.isdigit() and len(number) <= len(str(MAX_VERSION))):
            raise RegistryProblem(404, 404, "HTTP 404 Not Found")
        versions = self._codec.versions
        version = versions.get(int(number))
        if version is None:
            raise RegistryProblem(404, 40403, f"Schema {int(number)} not found")
        return SchemaText(_text(version), max(versions) if with_max_id else None)


def _versions_of(subject: str) -> list[Version]:
    versions = [version for version in VERSIONS if version.topic.subject == subject]
    if not versions:
        raise RegistryProblem(404, 40401, f"Subject '{subject}' not found.")
    return sorted(versions, key=lambda version: version.version)


def _read_number(text: str) -> int | Literal["latest"]:
    if text in LATEST:
        return "latest"
    if text.isascii() and text.isdigit() and 0 < int(text[:11]) <= MAX_VERSION:
        return int(text)
    detail = 'Allowed values are between [1, 2^31-1] and the string "latest"'
    raise RegistryProblem(
        422, 42202, f"The specified version '{text}' is not a valid version id. {detail}"
    )


def _text(version: Version) -> str:
    return json.dumps(version.schema(), separators=(",", ":"))
