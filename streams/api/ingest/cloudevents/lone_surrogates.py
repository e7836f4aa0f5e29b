"""Bodies with lone surrogates: JSON allows them where our decoder does not."""

import json
import re
from collections.abc import Iterable
from typing import Any

from msgspec import Raw

from schemas.event_validation import InvalidEvent
from streams.api.http.problems import Problem

_SURROGATE = re.compile("[\ud800-\udfff]")


def split_items(body: bytes, error: Exception) -> list[Raw | InvalidEvent]:
    """The single events of a body that our decoder refused; only those with surrogates are invalid.

    Raises:
        Problem: 400 with `error`, when the body is no JSON at all.
    """
    try:
        value: Any = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem(400, f"The body is not JSON: {error}.") from None
    return [_item(event) for event in (value if isinstance(value, list) else [value])]


def _item(value: Any) -> Raw | InvalidEvent:
    try:
        return Raw(json.dumps(value, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        pointer = _pointer_to_surrogate(value)
        return InvalidEvent("invalid-text", "A text contains a lone surrogate.", pointer)
    except RecursionError:
        return InvalidEvent("malformed", "The event is nested too deeply.", "")


def _pointer_to_surrogate(value: Any) -> str:
    """A pointer to the first lone surrogate, or to the object with one in a field's name.

    Walks the parts in their order without recursion: they may be nested deeply.
    """
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        pointer, part = stack.pop()
        if any(map(_SURROGATE.search, _texts_of(part))):
            return pointer
        stack += ((f"{pointer}/{name}", inner) for name, inner in reversed(_parts_of(part)))
    return ""


def _texts_of(value: Any) -> Iterable[str]:
    """The texts of the value itself: a text, or an object's names."""
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, dict) else ()


def _parts_of(value: Any) -> list[tuple[str, Any]]:
    """The values within a value, by their pointer segment."""
    if isinstance(value, dict):
        return [(_escape(name), part) for name, part in value.items()]
    if isinstance(value, list):
        return [(str(index), part) for index, part in enumerate(value)]
    return []


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
