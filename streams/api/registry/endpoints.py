"""`/subjects` and `/schemas/ids`, read-only, so that standard deserializers work with our address.

The answers come from `schemas/`, also where `SCHEMA_REGISTRY_URL` names a registry: the ids that it
gave to our schemas are known since the start, so readers need neither its address nor a password.
"""

from starlette.requests import Request
from starlette.responses import Response

from streams.api.http.responses import respond
from streams.api.registry.subjects import MEDIA_TYPE, Subjects


class RegistryEndpoints:
    """Answers as a Confluent schema registry does."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects

    async def schema(self, request: Request) -> Response:
        """`GET /schemas/ids/{id}`."""
        with_max_id = request.query_params.get("fetchMaxId") == "true"
        schema = self._subjects.schema(request.path_params["id"], with_max_id=with_max_id)
        return respond(request, schema, media_type=MEDIA_TYPE)

    async def subjects(self, request: Request) -> Response:
        """`GET /subjects`."""
        names = self._subjects.names(request.query_params.get("subjectPrefix", ""))
        return respond(request, names, media_type=MEDIA_TYPE)

    async def versions(self, request: Request) -> Response:
        """`GET /subjects/{subject}/versions`."""
        numbers = self._subjects.numbers(request.path_params["subject"])
        return respond(request, numbers, media_type=MEDIA_TYPE)

    async def version(self, request: Request) -> Response:
        """`GET /subjects/{subject}/versions/{version}`."""
        subject, number = request.path_params["subject"], request.path_params["version"]
        return respond(request, self._subjects.version(subject, number), media_type=MEDIA_TYPE)
