"""CloudEvents in binary mode: one event, its attributes in headers `ce-*`, its data as the body."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Raw

from schemas.event_validation import InvalidEvent
from streams.api.http.problems import Problem
from streams.api.ingest.cloudevents.unique_keys import with_unique_keys

_PREFIX = b"ce-"
_ESCAPED = re.compile(rb'\\(["\\])')
_decoder = msgspec.json.Decoder(Raw)


def is_binary(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the headers hold attributes of an event."""
    return any(name.startswith(_PREFIX) for name in headers)


def read_binary(headers: Mapping[bytes, bytes], body: bytes) -> Raw | InvalidEvent:
    """The event in JSON, or what is wrong with it: an attribute that is no text, a duplicate key.

    Raises:
        Problem: 400 for a body that is no JSON.
    """
    try:
        body.decode()
        data = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"The body is not JSON: {error}.") from None
    checked = with_unique_keys(data, "/data")
    if isinstance(checked, InvalidEvent):
        return checked
    event: dict[str, str | Raw] = {}
    for field, value in headers.items():
        if field.startswith(_PREFIX):
            name = field.removeprefix(_PREFIX).decode("latin-1")
            try:
                event[name] = _decode_value(value)
            except UnicodeDecodeError:
                return InvalidEvent("invalid-text", "The header is not UTF-8.", f"/{name}")
    # The content type is that of the data, and was checked with the request.
    event.pop("datacontenttype", None)
    return Raw(msgspec.json.encode(event | {"data": data}))


def _decode_value(value: bytes) -> str:
    """The text of a header's value, without quotes and percent-encoding."""
    if len(value) >= 2 and value[:1] == value[-1:] == b'"':
        value = _ESCAPED.sub(rb"\1", value[1:-1])
    return unquote_to_bytes(value).decode()
