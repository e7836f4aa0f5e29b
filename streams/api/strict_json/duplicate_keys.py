"""Keys that occur more than once in an object: decoders differ in which of the values they take."""

from typing import Any, NamedTuple

import msgspec

from streams.api.strict_json.json_pointers import JsonObject, escape, parse, walk

_ESCAPED_COLONS = (b"\\u003a", b"\\u003A")


class DuplicateKey(NamedTuple):
    """The first key that occurs more than once; `pointer` leads to it."""

    key: str
    pointer: str

    @property
    def detail(self) -> str:
        """What is wrong, in a sentence."""
        return f"The key {self.key!r} occurs more than once."


def find_duplicate_key(body: bytes) -> DuplicateKey | None:
    """The first key that occurs more than once in an object of a body that is JSON.

    Raises:
        ValueError: The body has a number that is too long to be read.
        RecursionError: It is nested too deeply.
    """
    return None if has_unique_keys(body) else first_duplicate_key(parse(body))


def has_unique_keys(body: bytes) -> bool:
    """Whether no key occurs twice, in a fraction of the time that looking at each takes.

    The decoder keeps the last of the values of a key. What it keeps has then fewer colons than the
    body: every key brings one, and those within texts stay. False also where the body cannot be
    judged in this way.
    """
    if any(escaped in body for escaped in _ESCAPED_COLONS):
        return False
    try:
        encoded = msgspec.json.encode(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError):
        return False
    return body.count(b":") == encoded.count(b":")


def first_duplicate_key(value: Any) -> DuplicateKey | None:
    """The first key that occurs more than once in an object of a value that `parse` returned."""
    for pointer, part in walk(value):
        if isinstance(part, JsonObject) and part.repeated_key is not None:
            return DuplicateKey(part.repeated_key, f"{pointer}/{escape(part.repeated_key)}")
    return None
