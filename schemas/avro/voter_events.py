"""Avro of votes and bookmarks, written and read field after field.

The general encoder needs a dictionary and looks at every type again for each event, and the general
decoder takes four times as long. These four records are most of the log, and their fields never
change within a schema version.
"""

from functools import lru_cache
from typing import Any, NamedTuple

from schemas.events import BookmarkAdded, BookmarkRemoved, VoteCast, VoteRetracted

VoterEvent = VoteCast | VoteRetracted | BookmarkAdded | BookmarkRemoved
VOTER_EVENTS: frozenset[type[VoterEvent]] = frozenset(
    (VoteCast, VoteRetracted, BookmarkAdded, BookmarkRemoved)
)

_CHOICES = {"ship": b"\x00", "skip": b"\x02"}
_NO_SOURCE = b"\x00"
_SOURCE_FOLLOWS = b"\x02"
_CHOICES_OF = {raw[0]: choice for choice, raw in _CHOICES.items()}
_LOW_BITS = 21
"""The bits of a number that fill its first three bytes."""
_UPPER_BYTES = 5
"""The bytes after these in a time between 1987 and 2112, say."""


def encode_voter_event(
    prefix: bytes, event_id: str, time: int, data: VoterEvent, source: str | None
) -> bytes:
    """The value of a record: prefix, id, time, tool, voter, the choice of a vote cast, source.

    Args:
        prefix: The first bytes: those of the wire format, and the record's index in the union.
        event_id: The event's id.
        time: Microseconds since 1970.
        data: What the event says.
        source: The CloudEvents source.
    """
    id_bytes, voter = event_id.encode(), data.voter.encode()
    return b"".join(
        (
            prefix,
            _length(len(id_bytes)),
            id_bytes,
            _long(time),
            _short_text(data.tool),
            _length(len(voter)),
            voter,
            _CHOICES[data.choice] if isinstance(data, VoteCast) else b"",
            _NO_SOURCE if source is None else _SOURCE_FOLLOWS + _short_text(source),
        )
    )


class EventFields(NamedTuple):
    """What the bytes of an event hold.

    Attributes:
        id: The event's id.
        time: Microseconds since 1970.
        data: The fields of its data, unchecked.
        source: The CloudEvents source.
    """

    id: str
    time: int
    data: dict[str, Any]
    source: str | None


def decode_voter_event(raw: bytes, begin: int, type_: type[VoterEvent]) -> EventFields | None:
    """What `encode_voter_event` has written behind a prefix of `begin` bytes.

    Returns:
        None where the bytes are unusual or broken, such as a text of 64 bytes or a time far off:
        then the general decoder reads them, or says what is wrong.
    """
    try:
        at, end = begin + 1, begin + 1 + _SIZES[raw[begin]]
        event_id = raw[at:end].decode()
        low0, low1, low2 = raw[end : end + 3]
        if not low0 & low1 & low2 & 128:
            return None
        zigzag = low0 & 127 | (low1 & 127) << 7 | (low2 & 127) << 14
        zigzag |= _upper(raw[end + 3 : end + 3 + _UPPER_BYTES])
        at = end + 4 + _UPPER_BYTES
        end = at + _SIZES[raw[at - 1]]
        tool = raw[at:end].decode()
        at = end + 1
        end = at + _SIZES[raw[end]]
        data = {"tool": tool, "voter": raw[at:end].decode()}
        if type_ is VoteCast:
            data["choice"] = _CHOICES_OF[raw[end]]
            end += 1
        source, at = None, end + 1
        if raw[end] == _SOURCE_FOLLOWS[0]:
            at, end = end + 2, end + 2 + _SIZES[raw[end + 1]]
            source, at = raw[at:end].decode(), end
        elif raw[end] != _NO_SOURCE[0]:
            return None
    except (IndexError, KeyError, ValueError):
        return None
    if zigzag & 1 or at != len(raw):  # negative, or something is missing or left over
        return None
    return EventFields(event_id, zigzag >> 1, data, source)


_SIZES = {2 * size: size for size in range(64)}
"""Sizes of texts by the byte before them, as far as one byte tells."""


@lru_cache(4096)
def _upper(groups: bytes) -> int:
    """The upper bits of a time; they change once a second.

    Raises:
        ValueError: There are more or fewer bytes than a time of our days has.
    """
    more, last = groups[:-1], groups[-1]
    if len(groups) != _UPPER_BYTES or last > 127 or any(group < 128 for group in more):
        raise ValueError("another number of bytes")
    return sum((group & 127) << _LOW_BITS + 7 * index for index, group in enumerate(groups))


def _long(number: int) -> bytes:
    """Avro's long: zigzag, then seven bits a byte, the lowest first.

    The upper bits of a time change once a second, so their bytes are cached.
    """
    zigzag = number << 1 if number >= 0 else ~(number << 1)
    upper = zigzag >> _LOW_BITS
    if not upper:
        return _varint(zigzag)
    low = (zigzag & 127 | 128, zigzag >> 7 & 127 | 128, zigzag >> 14 & 127 | 128)
    return bytes(low) + _varint(upper)


@lru_cache(4096)
def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    groups.append(number)
    return bytes(groups)


@lru_cache(1024)
def _length(size: int) -> bytes:
    return _long(size)


@lru_cache(4096)
def _short_text(text: str) -> bytes:
    """A text that many events share, with its length before it."""
    raw = text.encode()
    return _length(len(raw)) + raw
