"""Batches of votes and bookmarks alone, as gateways send them, in half the time of any batch.

The decoder here knows four types and no patterns, since matching one costs more than decoding the
event. What the patterns say is checked beside it, for the body as a whole or once per tool. A batch
that is odd in any way is left to the general reader, which finds what to say about it.
"""

import re
from functools import lru_cache, reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from projections.private.tokens import Token
from schemas.avro.voter_events import VoterEvent
from schemas.events import BookmarkAdded, BookmarkRemoved, Event, VoteCast, VoteRetracted
from schemas.fields import LONGEST_ID, SLUG_PATTERN
from schemas.records import Choice
from schemas.time import instants
from schemas.time.ahead import MAX_AHEAD
from streams.api.auth.voter_cookie import VoterCookies
from streams.api.ingest.cloudevents.structured_mode import MAX_EVENTS
from streams.api.ingest.event_clock import MonotonicClock, new_id

_ESCAPED = (b"\\u0000", b"\\u003a", b"\\u003A")
"""A NUL in a text, and colons that `_has_unique_keys` would not count."""
_SLUG = re.compile(SLUG_PATTERN)
_LONGEST_SLUG = 80


class _VoterFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    tool: str
    voter: Annotated[str, Meta(min_length=1, max_length=128)]


class _CastFields(_VoterFields, frozen=True, forbid_unknown_fields=True, gc=False):
    choice: Choice


class _VoterItem(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
    tag_field="type",
):
    """An event of a voter; each type has a subclass with the type as its tag."""

    event_data: ClassVar[type[VoterEvent]]

    specversion: Literal["1.0"] | None = None
    id: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)] | None = None
    time: str | None = None
    source: Annotated[str, Meta(min_length=1, max_length=300)] | None = None
    datacontenttype: Literal["application/json"] | None = None
    data: Any


def _item_type(event_data: type[VoterEvent]) -> Any:
    """The subclass of `_VoterItem` for this data."""
    fields = _CastFields if event_data is VoteCast else _VoterFields
    return msgspec.defstruct(
        f"_{event_data.__name__}",
        [("data", fields)],
        bases=(_VoterItem,),
        namespace={"event_data": event_data},
        tag=event_data.type,
        frozen=True,
        kw_only=True,
        gc=False,
    )


_any_item = reduce(
    or_, (_item_type(data) for data in (VoteCast, VoteRetracted, BookmarkAdded, BookmarkRemoved))
)
_decoder = msgspec.json.Decoder(
    Annotated[list[_any_item], Meta(min_length=1, max_length=MAX_EVENTS)]  # type: ignore[valid-type]
)
_encode = msgspec.json.Encoder().encode


class VoterBatches:
    """Reads the batches of gateways.

    Args:
        clock: Gives times to events without one.
        voter_cookies: Computes the voters' pseudonyms.
    """

    def __init__(self, clock: MonotonicClock, voter_cookies: VoterCookies) -> None:
        self._clock = clock
        self._voter_cookies = voter_cookies

    def read(self, body: bytes, token: Token) -> list[Event] | None:
        """The events of a body, in their order; None where it needs the general reader.

        Args:
            body: A JSON array, or anything else.
            token: Of the sender.
        """
        items = _decode(body) if token.may_send(VoteCast.role) else None
        if items is None:
            return None
        hide = self._voter_cookies.gateway_pseudonyms(token.namespace or token.role)
        latest = self._clock.now() + MAX_AHEAD
        try:
            stamps = [self._id_and_time(item, latest) for item in items]
        except ValueError:
            return None
        return [
            Event(event_id, time, _data(item, hide(item.data.voter)), item.source)
            for item, (event_id, time) in zip(items, stamps, strict=True)
        ]

    def _id_and_time(self, item: _VoterItem, latest: int) -> tuple[str, int]:
        """The event's own, or those of this moment.

        Raises:
            ValueError: One of both is missing, or the time is invalid.
        """
        if item.id is None and item.time is None:
            time = self._clock.next_time()
            return new_id(time), time
        if item.id is None or item.time is None:
            raise ValueError
        time = instants.parse(item.time)
        if time > latest:
            raise ValueError
        return item.id, time


def _decode(body: bytes) -> list[_VoterItem] | None:
    """The items of a body that is valid in all but the times."""
    if any(escaped in body for escaped in _ESCAPED):
        return None
    try:
        items: list[_VoterItem] = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not all(_is_slug(item.data.tool) for item in items):
        return None
    return items if _has_unique_keys(body, items) else None


def _has_unique_keys(body: bytes, items: list[_VoterItem]) -> bool:
    """Whether no key occurs twice: each brings a colon, and of its values one alone was decoded.

    False also where an attribute is null, which brings a colon too.
    """
    return body.count(b":") == _encode(items).count(b":")


@lru_cache(8192)
def _is_slug(text: str) -> bool:
    return len(text) <= _LONGEST_SLUG and _SLUG.match(text) is not None


def _data(item: _VoterItem, voter: str) -> VoterEvent:
    fields = item.data
    if item.event_data is VoteCast:
        return VoteCast(fields.tool, voter, fields.choice)
    return item.event_data(fields.tool, voter)  # type: ignore[call-arg]
