"""The attributes of CloudEvents in JSON, as senders' libraries write them."""

import re

import msgspec
from msgspec import Raw

from schemas.event_validation import InvalidEvent, explain
from streams.api.ingest.cloudevents.structured_mode import Attributes

_NAME = re.compile("[a-z0-9]{1,20}")


class RawEvent(Attributes, frozen=True, kw_only=True):
    """An event whose data is still JSON; each of its errors gets its own description."""

    type: str
    data: Raw


_fields_decoder = msgspec.json.Decoder(dict[str, Raw])
_decoder = msgspec.json.Decoder(RawEvent)
_USED = {"specversion", "id", "time", "source", "type", "datacontenttype", "data"}


def decode_envelope(raw: Raw) -> RawEvent:
    """The event with the attributes that mean something here.

    An attribute that is null is unset. Extensions are ignored.

    Raises:
        InvalidEvent: An attribute is missing, invalid, or has a name that no attribute can have.
    """
    try:
        fields = _fields_decoder.decode(raw)
        used = {name: value for name, value in fields.items() if _is_used(name, value)}
        return _decoder.decode(msgspec.json.encode(used))
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidEvent("malformed", f"Not readable as JSON: {error}.", "") from None


def _is_used(name: str, value: Raw) -> bool:
    if name in _USED:
        return bytes(value) != b"null"
    if _NAME.fullmatch(name) is None:
        raise explain(f"Object contains unknown field `{name}`", "")
    return False


def _explain(message: str) -> InvalidEvent:
    if "`$.datacontenttype`" in message:
        detail = "Expected application/json, or a type that ends in +json."
        return InvalidEvent("invalid-value", detail, "/datacontenttype")
    return explain(message, "")
