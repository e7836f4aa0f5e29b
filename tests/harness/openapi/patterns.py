"""The regular expressions of an OpenAPI document."""

from collections.abc import Iterator
from typing import Any


def find_patterns(schema: Any) -> Iterator[str]:
    """Every pattern in a schema or a document."""
    if isinstance(schema, list):
        for part in schema:
            yield from find_patterns(part)
    elif isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        yield from schema.get("patternProperties", {})
        for part in schema.values():
            yield from find_patterns(part)
