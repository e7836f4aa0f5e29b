"""Records as frames: length, CRC-32, then offset, timestamp, key, value and headers unchanged.

All numbers are big-endian. A frame is `>II` (length and CRC-32 of the body) and its body `>qq`
(offset, timestamp in milliseconds), key, value, `>H` (number of headers) and for each header its
name and value. Bytes are `>i` (length, -1 for null) and themselves. A file begins with `MAGIC`.
"""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedWriter
from pathlib import Path
from struct import Struct
from struct import error as StructError  # noqa: N812

from infra.kafka.reader import LogRecord
from schemas.topics import TopicPartition

MAGIC = b"verdicts-log/1\n"
# Higher levels make files little smaller and the export much slower.
COMPRESSION = 3

_FRAME, _STAMP, _LENGTH, _COUNT = Struct(">II"), Struct(">qq"), Struct(">i"), Struct(">H")


class DamagedError(Exception):
    """A file differs from what was written; the message says where."""


class FrameWriter:
    """Writes the file of one partition; without `close` the file cannot be read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Without a time, the same records give the same bytes.
        zipped = gzip.GzipFile(path, "wb", compresslevel=COMPRESSION, mtime=0)
        self._file = BufferedWriter(zipped, 1 << 17)
        self._file.write(MAGIC)
        self.records = 0

    def write(self, record: LogRecord) -> None:
        """Add a record."""
        body = packed(record)
        self._file.write(_FRAME.pack(len(body), zlib.crc32(body)))
        self._file.write(body)
        self.records += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def frames(path: Path, topic_partition: TopicPartition) -> Iterator[LogRecord]:
    """Read the file of a partition.

    Raises:
        DamagedError: the file ends early, or a frame is not what was written.
    """
    number = 0
    with gzip.open(path, "rb") as file:
        try:
            if file.read(len(MAGIC)) != MAGIC:
                raise DamagedError(f"{path} is no file of a log.")
            while head := file.read(_FRAME.size):
                yield unpacked(_body(file, head), topic_partition)
                number += 1
        except (OSError, EOFError, zlib.error, ValueError, StructError) as error:
            raise DamagedError(f"{path} is damaged after record {number}: {error}.") from error


def _body(file: gzip.GzipFile, head: bytes) -> bytes:
    if len(head) < _FRAME.size:
        raise EOFError("it ends inside a frame")
    length, checksum = _FRAME.unpack(head)
    body = file.read(length)
    if len(body) < length:
        raise EOFError("it ends inside a frame")
    if zlib.crc32(body) != checksum:
        raise ValueError("a checksum differs")
    return body


def packed(record: LogRecord) -> bytes:
    """The body of a record's frame."""
    parts = [_STAMP.pack(record.offset, record.timestamp)]
    parts += _bytes(record.key), _bytes(record.value), _COUNT.pack(len(record.headers))
    for name, value in record.headers:
        parts += _bytes(name.encode()), _bytes(value)
    return b"".join(parts)


def _bytes(value: bytes | None) -> bytes:
    return _LENGTH.pack(-1) if value is None else _LENGTH.pack(len(value)) + value


def unpacked(body: bytes, topic_partition: TopicPartition) -> LogRecord:
    """A record from the body of its frame.

    Raises:
        ValueError: the body is malformed.
    """
    offset, timestamp = _STAMP.unpack_from(body)
    key, at = _read_bytes(body, _STAMP.size)
    value, at = _read_bytes(body, at)
    (count,) = _COUNT.unpack_from(body, at)
    at += _COUNT.size
    headers = []
    for _ in range(count):
        name, at = _read_bytes(body, at)
        content, at = _read_bytes(body, at)
        headers.append(((name or b"").decode(), content))
    if at != len(body):
        raise ValueError("bytes are left over")
    return LogRecord(*topic_partition, offset, timestamp, key, value, tuple(headers))


def _read_bytes(body: bytes, at: int) -> tuple[bytes | None, int]:
    (length,) = _LENGTH.unpack_from(body, at)
    at += _LENGTH.size
    return (None, at) if length < 0 else (body[at : at + length], at + length)
