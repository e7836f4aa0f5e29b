"""CloudEvents in JSON: a request's body as single items, each validated on its own later."""

import contextlib
from functools import reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from schemas.event_validation import InvalidEvent
from schemas.events import EVENT_TYPES, Data
from schemas.fields import NO_NUL_PATTERN, EventId
from streams.api.http.problems import Problem
from streams.api.ingest.cloudevents.lone_surrogates import split_items
from streams.api.ingest.cloudevents.unique_keys import with_unique_keys
from streams.api.strict_json.duplicate_keys import has_unique_keys

MAX_EVENTS = 500

JSON_TYPE_PATTERN = (
    r"^(?:[Aa][Pp][Pp][Ll][Ii][Cc][Aa][Tt][Ii][Oo][Nn]|[Tt][Ee][Xx][Tt])/"
    r"(?:[A-Za-z0-9!#$&^_.+\-]+\+)?[Jj][Ss][Oo][Nn][ \t]*(?:;[^\n\r\u2028\u2029]*)?\Z"
)
"""JSON's media types, such as `application/json; charset=utf-8`."""

JsonType = Annotated[str, Meta(pattern=JSON_TYPE_PATTERN)]
Source = Annotated[str, Meta(min_length=1, max_length=300, pattern=NO_NUL_PATTERN)]


class Attributes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The CloudEvents attributes besides type and data; null is the same as left out.

    `subject`, `dataschema` and the extension for tracing mean nothing here. They are fields since
    many senders' libraries write them, and a batch with other extensions takes longer to decode.
    """

    specversion: Literal["1.0"] | None = None
    id: EventId | None = None
    time: str | None = None
    source: Source | None = None
    datacontenttype: JsonType | None = None
    subject: str | None = None
    dataschema: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


class TypedEvent(Attributes, frozen=True, kw_only=True):
    """An event with decoded data; each event type has a subclass with the type as its tag."""

    type: ClassVar[str]
    data: Data


Item = TypedEvent | Raw | InvalidEvent


class _WithId(msgspec.Struct):
    id: str | UnsetType = UNSET


def _typed_event(data: type[Data]) -> Any:
    """The subclass of `TypedEvent` for this data."""
    return msgspec.defstruct(
        f"{data.__name__}Event",
        [("data", data)],
        bases=(TypedEvent,),
        namespace={"type": data.type},
        tag_field="type",
        tag=data.type,
        frozen=True,
        kw_only=True,
    )


_any_typed_event = reduce(or_, map(_typed_event, EVENT_TYPES.values()))
_batch_decoder = msgspec.json.Decoder(
    Annotated[list[_any_typed_event], Meta(max_length=MAX_EVENTS)]  # type: ignore[valid-type]
)
_id_decoder = msgspec.json.Decoder(_WithId)
_array_decoder = msgspec.json.Decoder(list[Raw])
_object_decoder = msgspec.json.Decoder(dict[str, Raw])


def read_items(body: bytes, *, batch_only: bool = False) -> list[Item]:
    """The single events of a body.

    A batch without any error is decoded at once, which takes a fraction of the time. In any other
    body each event stays JSON and is validated on its own; one with a duplicate key or a lone
    surrogate is rejected.

    Raises:
        Problem: 400 for anything but a JSON object or array, or an empty one; 413 over 500 events.
    """
    items = _decode_typed(body) or _decode_raw(body, batch_only)
    if not items:
        raise Problem(400, "The array is empty: send 1 to 500 events.")
    if len(items) > MAX_EVENTS:
        raise Problem(413, f"{len(items)} events are too many: send at most {MAX_EVENTS}.")
    return items


def read_id(item: Item) -> str | None:
    """The item's id for the response, when it is readable."""
    if isinstance(item, TypedEvent):
        return item.id
    try:
        event_id = _id_decoder.decode(item).id if isinstance(item, Raw) else UNSET
    except (msgspec.DecodeError, RecursionError):
        return None
    return None if event_id is UNSET else event_id


def _decode_typed(body: bytes) -> list[Item]:
    """All events of a batch, or none when one of them is invalid."""
    items: list[Item] = []
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        items = _batch_decoder.decode(body)
    return items if items and has_unique_keys(body) else []


def _decode_raw(body: bytes, batch_only: bool) -> list[Item]:
    start = body.lstrip(b" \t\r\n")[:1]
    if start not in (b"[", b"{") or (batch_only and start != b"["):
        expected = "a JSON array" if batch_only else "a JSON object or array"
        raise Problem(400, f"The body is not {expected}.")
    try:
        body.decode()
        if start == b"[":
            return list(map(with_unique_keys, _array_decoder.decode(body)))
        _object_decoder.decode(body)
        return [with_unique_keys(Raw(body))]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return list(split_items(body, error))
