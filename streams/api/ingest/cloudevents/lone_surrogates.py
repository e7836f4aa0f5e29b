"""Bodies with lone surrogates: JSON allows them where our decoder does not."""

import json
import re
from collections.abc import Iterable
from typing import Any

from msgspec import Raw

from schemas.event_validation import InvalidEvent
from streams.api.http.problems import Problem
from streams.api.ingest.cloudevents.unique_keys import duplicate_key_error
from streams.api.strict_json.duplicate_keys import first_duplicate_key
from streams.api.strict_json.json_pointers import parse, walk

_SURROGATE = re.compile("[\ud800-\udfff]")


def split_items(body: bytes, error: Exception) -> list[Raw | InvalidEvent]:
    """The single events of a body that our decoder refused; only those with surrogates are invalid.

    Raises:
        Problem: 400 with `error`, when the body is no JSON at all.
    """
    try:
        value = parse(body)
    except (ValueError, RecursionError):
        raise Problem(400, f"The body is not JSON: {error}.") from None
    return [_item(event) for event in (value if isinstance(value, list) else [value])]


def _item(value: Any) -> Raw | InvalidEvent:
    if duplicate := first_duplicate_key(value):
        return duplicate_key_error(duplicate)
    try:
        return Raw(json.dumps(value, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        pointer = _pointer_to_surrogate(value)
        return InvalidEvent("invalid-text", "A text contains a lone surrogate.", pointer)
    except RecursionError:
        return InvalidEvent("malformed", "The event is nested too deeply.", "")


def _pointer_to_surrogate(value: Any) -> str:
    """A pointer to the first lone surrogate, or to the object with one in a key."""
    return next(
        (pointer for pointer, part in walk(value) if any(map(_SURROGATE.search, _texts_of(part)))),
        "",
    )


def _texts_of(value: Any) -> Iterable[str]:
    """The texts of the value itself: a text, or an object's keys."""
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, dict) else ()
