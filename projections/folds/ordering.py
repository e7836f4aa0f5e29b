"""The law of the log, as bytes that compare.

Everything is a last-writer-wins register ordered by time, then id, then the bytes of the data.
A stamp packs the three so that comparing two stamps as bytes, in Python or in PostgreSQL, is
comparing the events: time as eight big-endian bytes, the id as UTF-8 ended by NUL (which no id
contains, so no id is mistaken for the start of a longer one), then the data.
"""

import struct

import msgspec

from schemas.events import Event

_TIME = struct.Struct(">Q")
_OFFSET = 1 << 63
_encode = msgspec.json.Encoder(order="sorted").encode


def lww_stamp(event: Event) -> bytes:
    """Where an event stands in its register: the greatest stamp wins."""
    return stamp_prefix(event) + _encode(event.data) + event.type.encode()


def stamp_prefix(event: Event) -> bytes:
    """A stamp without the data; what is appended must order like the data would."""
    return _TIME.pack(event.time + _OFFSET) + event.id.encode() + b"\0"


def time_of(stamp: bytes) -> int:
    """The time in a stamp, in microseconds since 1970."""
    time: int = _TIME.unpack_from(stamp)[0]
    return time - _OFFSET


def earliest_first(event: Event) -> bytes:
    """A stamp by which the earliest event wins: the complement of its own."""
    return bytes(255 - byte for byte in lww_stamp(event)) + b"\xff"
