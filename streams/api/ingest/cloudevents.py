"""From the body of a request to events: CloudEvents in JSON, each judged for itself."""

import contextlib
import json
import re
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from schemas.event_validation import InvalidEvent, explain, read_data
from schemas.events import EVENT_TYPES, Data, Event
from schemas.fields import NO_NUL_PATTERN, EventId
from schemas.time import instants
from streams.api.auth.tokens import Token
from streams.api.auth.voter_cookie import VoterCookies
from streams.api.http.problems import Problem
from streams.api.ingest.event_clock import FUTURE, MonotonicClock, new_id

MOST_EVENTS = 500
_SURROGATE = re.compile("[\ud800-\udfff]")

Source = Annotated[str, Meta(min_length=1, max_length=300, pattern=NO_NUL_PATTERN)]


class Attributes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The CloudEvents attributes that we take, beside type and data.

    Others (`subject`, `dataschema`, extensions) would be lost on the way to the log, so they are
    refused by name instead.
    """

    specversion: Literal["1.0"] = "1.0"
    id: EventId | None = None
    time: str | None = None
    source: Source | None = None
    datacontenttype: Literal["application/json"] | None = None


class RawEvent(Attributes, frozen=True, kw_only=True):
    """An event whose data is still JSON: all that can be said of one in which much is wrong."""

    type: str
    data: Raw


class TypedEvent(Attributes, frozen=True, kw_only=True):
    """An event with its data; each type has a kind of its own, told by the tag."""

    type: ClassVar[str]
    data: Data


def _whole(data: type[Data]) -> Any:
    """The kind of `TypedEvent` that carries this data."""
    return msgspec.defstruct(
        f"{data.__name__}Whole",
        [("data", data)],
        bases=(TypedEvent,),
        namespace={"type": data.type},
        tag_field="type",
        tag=data.type,
        frozen=True,
        kw_only=True,
    )


Item = TypedEvent | Raw | InvalidEvent


class _Named(msgspec.Struct):
    id: str | UnsetType = UNSET


_any_whole = reduce(or_, map(_whole, EVENT_TYPES.values()))
_batch = msgspec.json.Decoder(
    Annotated[list[_any_whole], Meta(max_length=MOST_EVENTS)]  # type: ignore[valid-type]
)
_envelope = msgspec.json.Decoder(RawEvent)
_named = msgspec.json.Decoder(_Named)
_array = msgspec.json.Decoder(list[Raw])
_object = msgspec.json.Decoder(dict[str, Raw])


def read_items(body: bytes, *, batch_only: bool = False) -> list[Item]:
    """The single events of a body.

    A batch in whose shape nothing is wrong is read at once, which takes a fraction of the time.
    Else they stay JSON, to be judged each for itself; those with a lone surrogate are refused.

    Raises:
        Problem: 400 when this is no JSON object or array, or an empty one; 413 over 500 events.
    """
    items = _read_at_once(body) or _items(body, batch_only)
    if not items:
        raise Problem(400, "The array is empty: send 1 to 500 events.")
    if len(items) > MOST_EVENTS:
        raise Problem(413, f"{len(items)} events are too many: send at most {MOST_EVENTS}.")
    return items


def _read_at_once(body: bytes) -> list[Item]:
    """All events of a batch, or none of them where one is not as it should be."""
    items: list[Item] = []
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        items = _batch.decode(body)
    return items


def _items(body: bytes, batch_only: bool) -> list[Item]:
    start = body.lstrip(b" \t\r\n")[:1]
    if start not in (b"[", b"{") or (batch_only and start != b"["):
        wanted = "a JSON array" if batch_only else "a JSON object or array"
        raise Problem(400, f"The body is not {wanted}.")
    try:
        body.decode()
        if start == b"[":
            return list(_array.decode(body))
        _object.decode(body)
        return [Raw(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _items_with_surrogates(body, error)


def _items_with_surrogates(body: bytes, error: Exception) -> list[Item]:
    """JSON allows lone surrogates where our reader does not; only their events are refused."""
    try:
        found: Any = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem(400, f"The body is not JSON: {error}.") from None
    return [_item(value) for value in (found if isinstance(found, list) else [found])]


def _item(value: Any) -> Item:
    try:
        return Raw(json.dumps(value, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        pointer = _surrogate_in(value)
        return InvalidEvent("invalid-text", "A text contains a lone surrogate.", pointer)
    except RecursionError:
        return InvalidEvent("malformed", "It is nested too deeply.", "")


def _surrogate_in(value: Any) -> str:
    """Where the first lone surrogate is; in a field's name, the object that has it.

    Goes through the parts in their order without calling itself: they may lie deep.
    """
    left: list[tuple[str, Any]] = [("", value)]
    while left:
        pointer, part = left.pop()
        if any(map(_SURROGATE.search, _texts_of(part))):
            return pointer
        left += ((f"{pointer}/{name}", inner) for name, inner in reversed(_parts_of(part)))
    return ""


def _texts_of(value: Any) -> Iterable[str]:
    """The texts that a value consists of itself: a text, or an object's names."""
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, dict) else ()


def _parts_of(value: Any) -> list[tuple[str, Any]]:
    """The values within a value, by what a pointer calls them."""
    if isinstance(value, dict):
        return [(_escaped(name), part) for name, part in value.items()]
    if isinstance(value, list):
        return [(str(index), part) for index, part in enumerate(value)]
    return []


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class EventParser:
    """Turns the items of one request into events.

    Args:
        stamps: Gives times and ids to events that bring none.
        voters: Hides the voters' ids.
    """

    def __init__(self, stamps: MonotonicClock, voters: VoterCookies) -> None:
        self._stamps = stamps
        self._voters = voters

    def read(self, item: Item, token: Token) -> Event:
        """The event of an item that the holder of `token` sent.

        Raises:
            InvalidEvent: With the code `forbidden` when the token may not send its type.
        """
        if isinstance(item, InvalidEvent):
            raise item
        envelope = item if isinstance(item, TypedEvent) else _read_envelope(item)
        kind = EVENT_TYPES.get(envelope.type)
        if kind is not None and not token.may_send(kind.role):
            detail = f"A token of the role {token.role} may not send {envelope.type}."
            raise InvalidEvent("forbidden", detail, "/type")
        data = envelope.data
        if isinstance(data, Raw):
            data = read_data(envelope.type, data)
        named: str | None = getattr(data, "voter", None)
        if named is not None:
            hidden = self._voters.gateway_pseudonym(token.namespace or token.role, named)
            data = msgspec.structs.replace(data, voter=hidden)
        name, time = self._stamp(envelope)
        return Event(name, time, data, envelope.source)

    def _stamp(self, envelope: Attributes) -> tuple[str, int]:
        if envelope.id is None and envelope.time is None:
            time = self._stamps.next()
            return new_id(time), time
        if envelope.id is None or envelope.time is None:
            missing = "time" if envelope.time is None else "id"
            detail = "Send both id and time, or neither: the server then sets both."
            raise InvalidEvent("missing-field", detail, f"/{missing}")
        return envelope.id, self._moment(envelope.time)

    def _moment(self, text: str) -> int:
        try:
            time = instants.parse(text)
        except ValueError as error:
            raise InvalidEvent("invalid-time", f"The time is {error}.", "/time") from None
        if time > self._stamps.clock() + FUTURE:
            raise InvalidEvent("future-time", "The time is over 5 minutes ahead.", "/time")
        return time


def _read_envelope(raw: Raw) -> RawEvent:
    try:
        return _envelope.decode(raw)
    except msgspec.ValidationError as error:
        raise explain(str(error), "") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidEvent("malformed", f"Not readable as JSON: {error}.", "") from None


def id_of(item: Item) -> str | None:
    """The id that an item names, if it can be read, for the answer to refer to it."""
    if isinstance(item, TypedEvent):
        return item.id
    try:
        name = _named.decode(item).id if isinstance(item, Raw) else UNSET
    except (msgspec.DecodeError, RecursionError):
        return None
    return None if name is UNSET else name
