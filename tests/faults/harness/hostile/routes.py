"""What can be asked for: every route, taken from the product itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from starlette.routing import Route

from infra.settings import Settings
from publishers.content.in_memory_content import InMemoryContent
from publishers.content.site_content import SiteContent
from publishers.web.routes import SiteSource, site_routes
from streams.api.openapi.document import document
from streams.api.routes import routes
from tests.streams.api.conftest import FakeApi

SITE_QUERIES = {
    "/search/": ("q", "with"),
    "/search/suggestions.json": ("q", "with"),
    "/compare/": ("a", "b", "c", "d"),
    "/{path}": ("sort", "page", "entry"),
}
"""Names of fields that forms of the site send; the API's are in its OpenAPI document."""


class Target(NamedTuple):
    """One method of one path.

    Attributes:
        method: The method.
        path: With the names of its parameters in braces.
        query: The query's names.
        media_type: The body's, empty without a body.
        example: A body by its schema.
    """

    method: str
    path: str
    query: tuple[str, ...] = ()
    media_type: str = ""
    example: Any = None


def targets() -> list[Target]:
    """Every route of the API and the site."""
    described = _described()
    api = [
        described.get((method, route.path), Target(method, route.path))
        for route in routes(FakeApi().components)
        for method in _methods(route)
    ]
    source = SiteSource(_no_content, lambda _: [], lambda _: None)
    site = [
        Target(method, route.path.replace(":path}", "}"), SITE_QUERIES.get(route.path, ()))
        for route in site_routes(Settings.from_environment({}), source, _no_bookmarks)
        if isinstance(route, Route)
        for method in _methods(route)
    ]
    return [*api, *site]


def _methods(route: Route) -> list[str]:
    """The route's methods; a route that answers GET answers HEAD as well."""
    return sorted((route.methods or {"GET"}) - {"HEAD"})


@contextmanager
def _no_content() -> Iterator[SiteContent]:
    yield InMemoryContent()


async def _no_bookmarks(_: object) -> list[str]:
    return []


def _described() -> dict[tuple[str, str], Target]:
    """What the OpenAPI document says of each operation."""
    operations = {}
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            query = tuple(
                parameter["name"]
                for parameter in operation.get("parameters", ())
                if parameter["in"] == "query"
            )
            content = operation.get("requestBody", {}).get("content", {})
            media_type = next(iter(content), "")
            example = example_of(content[media_type]["schema"]) if media_type else None
            target = Target(method.upper(), path, query, media_type, example)
            operations[target.method, path] = target
    return operations


def example_of(schema: dict[str, Any], depth: int = 0) -> Any:
    """A value that the schema more or less allows."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = document()["components"]["schemas"][name]
    if depth > 8:
        return None
    for choices in ("anyOf", "oneOf"):
        if choices in schema:
            return example_of(schema[choices][0], depth + 1)
    if "const" in schema or "enum" in schema:
        return schema.get("const") or schema["enum"][0]
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: example_of(field, depth + 1) for name, field in fields.items()}
        case "array":
            return [example_of(schema.get("items") or {}, depth + 1)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return "text"
