"""Read the data of an event from a sender's JSON, or explain what is wrong with it."""

import json
import re
from functools import cache
from typing import Any

import msgspec

from schemas.events import EVENT_TYPES, CategoryDefined, CategoryRemoved, Data, ToolMerged
from schemas.facts.values import (
    AMOUNT_PATTERN,
    CURRENCY_PATTERN,
    DATE_PATTERN,
    FACT_KEY_PATTERN,
    Fact,
    FactKey,
)
from schemas.fields import NO_NUL_PATTERN, SLUG_PATTERN, URL_PATTERN
from schemas.text.new_texts import broken_rule

_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

_PATH = re.compile(r" - at `(?P<path>[^`]*)`\Z")
_EXPECTED = {
    SLUG_PATTERN: "a slug: lower-case letters and digits in words joined by single hyphens, "
    'at most 80 characters, no word of which is "vs"',
    URL_PATTERN: "an http or https address",
    NO_NUL_PATTERN: "a text without NUL (U+0000)",
    FACT_KEY_PATTERN: "a key: lower-case letters and digits in words joined by single hyphens or "
    "underscores",
    AMOUNT_PATTERN: 'a decimal number as text, such as "20.00"',
    CURRENCY_PATTERN: "a currency's code of three capital letters, such as USD",
    DATE_PATTERN: "a date such as 2026-11-20",
}
_VALUE_OF_A_FACT = (
    "Expected a number, a text, true or false, a list of texts, or money with amount and currency"
)
_NO_VALUE_OF_A_FACT = re.compile(r"Expected `bool \| int \| [^`]*`, got `\w+`")
_IN_FACTS = re.compile(r"`\$\.facts\[\.\.\.\]|`key` in `\$\.facts`")


class InvalidEvent(ValueError):  # noqa: N818 - named for what it is, as the field does
    """The API cannot accept an event.

    Attributes:
        code: The kind of error, for programs.
        detail: One sentence, for people.
        pointer: JSON pointer to the wrong value.
    """

    def __init__(self, code: str, detail: str, pointer: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.pointer = pointer


@cache
def _decoder(name: str) -> msgspec.json.Decoder[Data]:
    return msgspec.json.Decoder(EVENT_TYPES[name])


def read_data(name: str, raw: bytes | msgspec.Raw) -> Data:
    """Read the `data` of an event of type `name`.

    Raises:
        InvalidEvent: its `pointer` is relative to the event, such as `/data/score`.
    """
    if name not in EVENT_TYPES:
        raise InvalidEvent("unknown-type", f"There is no event type {name!r}.", "/type")
    raw = bytes(raw)
    try:
        data = _decoder(name).decode(raw)
    except msgspec.ValidationError as error:
        data = _read_whole_floats(name, raw, error)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _to_invalid_event(error, raw) from None
    require_valid_texts(data)
    require_sound(data)
    return data


def require_sound(data: Data) -> None:
    """Check how the fields of new data agree with one another.

    Raises:
        InvalidEvent: its `pointer` is relative to the event.
    """
    match data:
        case ToolMerged() if data.tool == data.into:
            detail = "A tool cannot be merged into itself."
            raise InvalidEvent("invalid-value", detail, "/data/into")
        case CategoryRemoved() if data.category == data.into:
            detail = "A category cannot move its tools into itself."
            raise InvalidEvent("invalid-value", detail, "/data/into")
        case CategoryDefined():
            _require_distinct_keys(data)


def _require_distinct_keys(category: CategoryDefined) -> None:
    keys = [fact.key for fact in category.facts or ()]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            detail = f"The key {key!r} is that of an earlier fact."
            raise InvalidEvent("invalid-value", detail, f"/data/facts/{index}/key")


def require_valid_texts(data: Data) -> None:
    """Check what no new event may hold, although an older event on the log may.

    Raises:
        InvalidEvent: its `pointer` is relative to the event.
    """
    if broken := broken_rule(data):
        detail = f"Expected {broken.expected}."
        raise InvalidEvent("invalid-value", detail, f"/data{broken.pointer}")


def _read_whole_floats(name: str, raw: bytes, error: msgspec.ValidationError) -> Data:
    """Read data whose integers may look like `88.0`, which JSON Schema counts as integers."""
    if "got `float`" not in str(error):
        raise _to_invalid_event(error, raw)
    try:
        return msgspec.convert(_with_integers(msgspec.json.decode(raw)), EVENT_TYPES[name])
    except (msgspec.DecodeError, RecursionError) as invalid:
        raise _to_invalid_event(invalid, raw) from None


def _with_integers(value: Any) -> Any:
    """The value with integers in place of floats without a fraction."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {name: _with_integers(part) for name, part in value.items()}
    return list(map(_with_integers, value)) if isinstance(value, list) else value


def _to_invalid_event(error: Exception, raw: bytes) -> InvalidEvent:
    if isinstance(error, msgspec.ValidationError):
        return _explain_fact(raw) if _IN_FACTS.search(str(error)) else explain(str(error), "/data")
    if _ESCAPED_SURROGATE.search(raw) and _is_json(raw):
        return InvalidEvent("invalid-text", "A text contains a lone surrogate.", "/data")
    return InvalidEvent("malformed", f"Not readable as JSON: {error}.", "/data")


def _explain_fact(raw: bytes) -> InvalidEvent:
    """Explain the first wrong fact; msgspec does not say under which key it stands."""
    for key, value in msgspec.json.decode(raw)["facts"].items():
        try:
            msgspec.convert(key, FactKey)
            msgspec.convert(value, Fact)
        except msgspec.ValidationError as error:
            return explain(str(error), f"/data/facts/{_escape(key)}")
    return InvalidEvent("invalid-value", f"{_VALUE_OF_A_FACT}.", "/data/facts")


def _is_json(raw: bytes) -> bool:
    """Whether the standard library, which accepts lone surrogates, can read it."""
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


def explain(message: str, base: str) -> InvalidEvent:
    """Turn msgspec's message into an error of ours, with a JSON pointer below `base`."""
    path = _PATH.search(message)
    pointer = base + (_pointer(path["path"]) if path else "")
    problem = _PATH.sub("", message)
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", problem, re.DOTALL):
        name = unknown[1]
        return InvalidEvent(
            "unknown-field", f"Unknown field {name!r}.", f"{pointer}/{_escape(name)}"
        )
    if missing := re.fullmatch(r"Object missing required field `(.*)`", problem):
        name = missing[1]
        return InvalidEvent(
            "missing-field", f"The field {name!r} is required.", f"{pointer}/{_escape(name)}"
        )
    if _NO_VALUE_OF_A_FACT.match(problem):
        return InvalidEvent("invalid-value", f"{_VALUE_OF_A_FACT}.", pointer)
    for pattern, expected in _EXPECTED.items():
        if pattern in problem or repr(pattern) in problem:
            return InvalidEvent("invalid-value", f"Expected {expected}.", pointer)
    return InvalidEvent("invalid-value", f"{problem}.".replace("`", ""), pointer)


def _pointer(path: str) -> str:
    """Convert `$.pros[1]` to `/pros/1`, up to an index that msgspec leaves out (`[...]`)."""
    parts = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path)
    return "".join(f"/{_escape(name or index)}" for name, index in parts)


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
