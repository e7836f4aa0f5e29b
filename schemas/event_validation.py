"""From the JSON that somebody sent to the data of an event, or a reason that helps."""

import json
import re
from functools import cache

import msgspec

from schemas.events import EVENT_TYPES, Data
from schemas.fields import NO_NUL_PATTERN, SLUG_PATTERN, URL_PATTERN

_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

_PLACE = re.compile(r" - at `(?P<path>[^`]*)`\Z")
_SAID = {
    SLUG_PATTERN: "a slug: lower-case letters and digits in words joined by single hyphens, "
    'at most 80 characters, no word of which is "vs"',
    URL_PATTERN: "an http or https address",
    NO_NUL_PATTERN: "a text without NUL (U+0000)",
}


class InvalidEvent(ValueError):  # noqa: N818 - named for what it is, as the field does
    """An event that cannot be accepted.

    `code` is for programs, `detail` for people, `pointer` (JSON pointer) says where.
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
        InvalidEvent: with `pointer` relative to the event, such as `/data/score`.
    """
    if name not in EVENT_TYPES:
        raise InvalidEvent("unknown-type", f"There is no event type {name!r}.", "/type")
    raw = bytes(raw)
    try:
        return _decoder(name).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _explained(error, raw) from None


def _explained(error: Exception, raw: bytes) -> InvalidEvent:
    if isinstance(error, msgspec.ValidationError):
        return explain(str(error), "/data")
    if _ESCAPED_SURROGATE.search(raw) and _is_json(raw):
        return InvalidEvent("invalid-text", "A text contains a lone surrogate.", "/data")
    return InvalidEvent("malformed", f"Not readable as JSON: {error}.", "/data")


def _is_json(raw: bytes) -> bool:
    """Whether the standard's own reader, which lets lone surrogates pass, can read it."""
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


def explain(message: str, base: str) -> InvalidEvent:
    """Turn the library's words on what is wrong into ours, with a JSON pointer below `base`."""
    place = _PLACE.search(message)
    pointer = base + (_pointer(place["path"]) if place else "")
    what = _PLACE.sub("", message)
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what, re.DOTALL):
        name = unknown[1]
        return InvalidEvent(
            "unknown-field", f"Unknown field {name!r}.", f"{pointer}/{_escaped(name)}"
        )
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        name = missing[1]
        return InvalidEvent(
            "missing-field", f"The field {name!r} is required.", f"{pointer}/{_escaped(name)}"
        )
    for pattern, said in _SAID.items():
        if pattern in what or repr(pattern) in what:
            return InvalidEvent("invalid-value", f"Expected {said}.", pointer)
    return InvalidEvent("invalid-value", f"{what}.".replace("`", ""), pointer)


def _pointer(path: str) -> str:
    """`$.pros[1]` to `/pros/1`; an index that the library leaves out (`[...]`) ends it."""
    parts = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path)
    return "".join(f"/{_escaped(name or index)}" for name, index in parts)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
