"""Avro's binary encoding of our own values, worked out from a schema once.

A general library finds its way through schema and value anew for each event, which takes longer
than all else that is done to a vote. What is here knows the parts of Avro that our schemas use.
"""

import struct
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from operator import attrgetter, call
from typing import Any

from schemas.instants import from_datetime

Write = Callable[[Any], bytes]
Named = dict[str, Write]


def writer(schema: Any, named: Named) -> Write:
    """What turns a value into its bytes.

    A record's values are objects with its fields as attributes, a timestamp's are whole
    microseconds or aware datetimes.

    Args:
        schema: As parsed from JSON.
        named: The types that a name may stand for; those that are defined here are added.

    Raises:
        KeyError: a type that none of our schemas uses.
    """
    if isinstance(schema, list):
        nothing, something = schema
        assert nothing == "null", "only fields that may be left out are unions"
        return _optional(writer(something, named))
    if isinstance(schema, str):
        return _PLAIN[schema] if schema in _PLAIN else named[schema]
    write = _MADE[schema["type"]](schema, named)
    if "name" in schema:
        named[schema["name"]] = write
    return write


def record(schema: Any, named: Named, place: Callable[[str], str] = str) -> Write:
    """The same for a record; `place` says at which attribute a field is found, dots and all."""
    values = attrgetter(*(place(field["name"]) for field in schema["fields"]))
    writes = [writer(field["type"], named) for field in schema["fields"]]

    def write(value: Any) -> bytes:
        return b"".join(map(call, writes, values(value)))

    return write


def long(value: int) -> bytes:
    """A whole number of 64 bits: zigzag, then seven bits a byte, the lowest first."""
    return _bytes_of_seven(value << 1 ^ value >> 63)


def _bytes_of_seven(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


_upper_bytes = lru_cache(1024)(_bytes_of_seven)
_LENGTHS = tuple(long(length) for length in range(256))
_NOTHING, _SOMETHING, _END = long(0), long(1), long(0)


def _length(length: int) -> bytes:
    return _LENGTHS[length] if length < len(_LENGTHS) else long(length)


def _string(value: str) -> bytes:
    text = value.encode()
    length = len(text)
    return (_LENGTHS[length] if length < len(_LENGTHS) else long(length)) + text


def _boolean(value: bool) -> bytes:
    return b"\1" if value else b"\0"


def _moment(value: int | datetime) -> bytes:
    """A time. Those of the same second share all but three bytes, which are remembered."""
    micros = value if isinstance(value, int) else from_datetime(value)
    bits = micros << 1 ^ micros >> 63
    if bits < 1 << 21:
        return _bytes_of_seven(bits)
    lower = (bits & 127 | 128, bits >> 7 & 127 | 128, bits >> 14 & 127 | 128)
    return bytes(lower) + _upper_bytes(bits >> 21)


def _optional(something: Write) -> Write:
    return lambda value: _NOTHING if value is None else _SOMETHING + something(value)


def _array(schema: Any, named: Named) -> Write:
    item = writer(schema["items"], named)

    def write(values: Any) -> bytes:
        return b"".join((_length(len(values)), *map(item, values), _END)) if values else _END

    return write


def _enum(schema: Any, _: Named) -> Write:
    return {symbol: long(number) for number, symbol in enumerate(schema["symbols"])}.__getitem__


def _long(schema: Any, _: Named) -> Write:
    return _moment if schema.get("logicalType") == "timestamp-micros" else long


_PLAIN: Named = {
    "boolean": _boolean,
    "double": struct.Struct("<d").pack,
    "int": long,
    "long": long,
    "string": _string,
}
_MADE: dict[str, Callable[[Any, Named], Write]] = {
    "array": _array,
    "enum": _enum,
    "long": _long,
    "record": record,
}
