"""Avro of votes and bookmarks, written field after field.

The general encoder needs a dictionary and looks at every type again for each event. These four
records are most of the log, and their fields never change within a schema version.
"""

from functools import lru_cache

from schemas.events import BookmarkAdded, BookmarkRemoved, VoteCast, VoteRetracted

VoterEvent = VoteCast | VoteRetracted | BookmarkAdded | BookmarkRemoved
VOTER_EVENTS: frozenset[type[VoterEvent]] = frozenset(
    (VoteCast, VoteRetracted, BookmarkAdded, BookmarkRemoved)
)

_CHOICES = {"ship": b"\x00", "skip": b"\x02"}
_NO_SOURCE = b"\x00"
_SOURCE_FOLLOWS = b"\x02"
_LOW_BITS = 21
"""The bits of a number that fill its first three bytes."""


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
