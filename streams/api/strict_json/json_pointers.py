"""The parts of a JSON value, by their JSON pointers (RFC 6901)."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any


class JsonObject(dict[str, Any]):
    """An object that remembers the first key that occurs more than once in it."""

    repeated_key: str | None = None


def parse(body: bytes) -> Any:
    """The value of a body, with objects as `JsonObject`. Lone surrogates pass.

    Raises:
        ValueError: The body is no JSON in UTF-8.
        RecursionError: It is nested too deeply.
    """
    return json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant)


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every part with its pointer, in the order of the text, an object before its members.

    Walks without recursion: the parts may be nested deeply.
    """
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        pointer, part = stack.pop()
        yield pointer, part
        stack += ((f"{pointer}/{name}", inner) for name, inner in reversed(_parts_of(part)))


def escape(name: str) -> str:
    """A key as a segment of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    value = JsonObject(pairs)
    if len(value) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        value.repeated_key = next(key for key, count in counts.items() if count > 1)
    return value


def _parts_of(value: Any) -> list[tuple[str, Any]]:
    """The values within a value, by their pointer segment."""
    if isinstance(value, dict):
        return [(escape(name), part) for name, part in value.items()]
    if isinstance(value, list):
        return [(str(index), part) for index, part in enumerate(value)]
    return []


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
