"""The law of the log, as bytes that compare.

Everything is a last-writer-wins register ordered by time, then id, then the bytes of the data.
A stamp packs the three so that comparing two stamps as bytes, in Python or in PostgreSQL, compares
the events: time as eight big-endian bytes, the id as UTF-8 ended by NUL (no id contains one, so no
id passes for the start of a longer one), then the data.
"""

import struct

import msgspec

from schemas.events import Event

_TIME = struct.Struct(">Q")
TIME_BYTES = _TIME.size
"""A stamp begins with so many bytes of time."""
_OFFSET = 1 << 63
_encode = msgspec.json.Encoder(order="sorted").encode


def lww_stamp(event: Event) -> bytes:
    """Rank an event in its register: the greatest stamp wins."""
    return stamp_prefix(event) + _encode(event.data) + event.type.encode()


def stamp_prefix(event: Event) -> bytes:
    """Encode time and id; the caller appends bytes that order like the data."""
    return _TIME.pack(event.time + _OFFSET) + event.id.encode() + b"\0"


def time_of(stamp: bytes) -> int:
    """Decode the time of a stamp, in microseconds since 1970."""
    time: int = _TIME.unpack_from(stamp)[0]
    return time - _OFFSET


def id_of(stamp: bytes) -> str:
    """Decode the id of a stamp."""
    return stamp[TIME_BYTES : stamp.index(0, TIME_BYTES)].decode()


def earliest_first(event: Event) -> bytes:
    """Rank an event so that the earliest wins: the complement of its `lww_stamp`."""
    return _complement(lww_stamp(event)) + b"\xff"


def id_prefix_in_earliest(prefix: str) -> bytes:
    """Encode the beginning of an id as it follows the time in an `earliest_first` rank."""
    return _complement(prefix.encode())


def _complement(data: bytes) -> bytes:
    return bytes(255 - byte for byte in data)
