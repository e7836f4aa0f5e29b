"""Bytes on a topic: Avro in the Confluent wire format (magic byte, schema id, body).

Times stay whole microseconds: the schemas say `timestamp-micros` for others, but turning every
vote's time into a datetime and back would cost more than the rest of its decoding. For the same
reason a union is not left to the library where its bytes are of a schema of ours: whatever begins
alike is of one record, and read or written as that.
"""

import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any, NamedTuple

import fastavro
import msgspec

from schemas import topics
from schemas.avro import catalogue
from schemas.events import EVENT_TYPES, Data, Event
from schemas.fields import LONGEST_ID
from schemas.records import AnyRecord, Category, Digest, Reviewer, Tool
from schemas.time.instants import from_datetime, parse, to_datetime

MAGIC = 0
HEADER = struct.Struct(">BI")
_START = HEADER.size + 1  # a record's number in its topic's union is one byte, up to 64 of them
FIRST_MOMENT = parse("0001-01-01T00:00:00Z")
LAST_MOMENT = parse("9999-12-31T23:59:59.999999Z")

Kind = type[Any]

_EVENTS: dict[str, Kind] = {f"verdicts.{data.__name__}": data for data in EVENT_TYPES.values()}
_RECORDS = {f"verdicts.{kind.__name__}": kind for kind in (Tool, Category, Reviewer, Digest)}
_KINDS = _EVENTS | _RECORDS


class UndecodableError(ValueError):
    """Bytes that can never be applied: no Avro of ours, or data that no event may carry."""


class Shape(NamedTuple):
    """One record of a topic: what its bytes begin with, what it is here, and its parsed schema."""

    start: bytes
    kind: Kind
    schema: Any


class Codec:
    """Encodes and decodes events and records.

    Args:
        ids: The id to write per topic name; the pinned ones where not given (with a registry,
            the registry's own).
        fetch: Finds the schema of an id that is not pinned, or None; what it found once it is not
            asked again.
    """

    def __init__(
        self,
        ids: Mapping[str, int] | None = None,
        fetch: Callable[[int], Any | None] | None = None,
    ) -> None:
        self._fetch = fetch
        self._parsed = {
            topic: _parsed(version.schema()) for topic, version in catalogue.NEWEST.items()
        }
        self._written: dict[Kind, Shape] = {}
        self._read: dict[str, dict[bytes, Shape]] = {}
        for topic, version in catalogue.NEWEST.items():
            written = _shapes(self._parsed[topic], (ids or {}).get(topic, version.id))
            self._written |= {shape.kind: shape for shape in written}
            read = _shapes(self._parsed[topic], version.id)
            self._read[topic] = {shape.start: shape for shape in (*read, *written)}
        self._readers: dict[int, Any] = {}

    def encode(self, event: Event) -> bytes:
        """Encode an event for the topic of its type."""
        fields = msgspec.to_builtins(event.data)  # a digest's tallies are structs of their own
        fields["id"], fields["time"], fields["source"] = event.id, event.time, event.source
        return self._encode(type(event.data), fields)

    def decode(self, topic: str, raw: bytes | None) -> Event:
        """Decode an event of `topic`.

        Raises:
            UndecodableError: with a reason for the dead letter.
        """
        kind, fields = self._decode(topic, raw)
        try:
            # Avro has seen to the types; what is left is what it cannot say.
            id_, time, source = fields.pop("id"), fields.pop("time"), fields.pop("source")
            data: Data = msgspec.convert(fields, kind)
        except (msgspec.ValidationError, KeyError) as error:
            raise UndecodableError(f"no valid {kind.__name__}: {error}") from None
        if not 0 < len(id_) <= LONGEST_ID or "\0" in id_:
            raise UndecodableError(f"its id {id_[:LONGEST_ID]!r} is empty, too long or holds NUL")
        if not FIRST_MOMENT <= time <= LAST_MOMENT:
            raise UndecodableError(f"its time {time} lies outside years 1 to 9999")
        return Event(id_, time, data, source)

    def encode_record(self, record: AnyRecord) -> bytes:
        """Encode a record for `verdicts.changes.v1`."""
        fields = msgspec.to_builtins(record, builtin_types=(datetime,))
        if isinstance(record, Tool):
            _each_moment(fields, from_datetime)
        return self._encode(type(record), fields)

    def decode_record(self, raw: bytes) -> AnyRecord:
        """Decode a record of `verdicts.changes.v1`.

        Raises:
            UndecodableError: with a reason.
        """
        kind, fields = self._decode(topics.CHANGES.name, raw)
        try:
            if kind is Tool:
                _each_moment(fields, to_datetime)
            record: AnyRecord = msgspec.convert(fields, kind)
        except (msgspec.ValidationError, KeyError, OverflowError) as error:
            raise UndecodableError(f"no valid {kind.__name__}: {error}") from None
        return record

    def _encode(self, kind: Kind, fields: dict[str, Any]) -> bytes:
        shape, body = self._written[kind], BytesIO()
        body.write(shape.start)
        fastavro.schemaless_writer(body, shape.schema, fields)
        return body.getvalue()

    def _decode(self, topic: str, raw: bytes | None) -> tuple[Kind, dict[str, Any]]:
        """What the bytes tell of, and its fields."""
        shape = self._read[topic].get(raw[:_START]) if raw else None
        if raw is None or shape is None:
            return self._resolve(topic, raw)
        fields: Any = _read(raw, _START, shape.schema)
        return shape.kind, fields

    def _resolve(self, topic: str, raw: bytes | None) -> tuple[Kind, dict[str, Any]]:
        """The same, from the schema of another version or from who knows what."""
        if raw is None or len(raw) < HEADER.size or raw[0] != MAGIC:
            raise UndecodableError("not in the Confluent wire format")
        _, schema_id = HEADER.unpack_from(raw)
        writer = self._reader_for(topic, schema_id)
        name, fields = _read(raw, HEADER.size, writer, self._parsed[topic])
        return _KINDS[name], fields

    def _reader_for(self, topic: str, schema_id: int) -> Any:
        known = self._readers.get(schema_id)
        if known is None:
            known = self._readers[schema_id] = self._find(schema_id)
        known_topic, schema = known
        if known_topic not in (None, topic):
            raise UndecodableError(f"schema {schema_id} belongs to {known_topic}")
        if schema is None:
            raise UndecodableError(f"schema {schema_id} is no Avro schema that stands by itself")
        return schema

    def _find(self, schema_id: int) -> tuple[str | None, Any]:
        """The topic that a schema belongs to, if it is ours, and what it says, if that is Avro."""
        if version := catalogue.BY_ID.get(schema_id):
            topic = version.topic.name
            newest = catalogue.NEWEST[topic] is version
            return topic, self._parsed[topic] if newest else _parsed(version.schema())
        schema = self._fetch(schema_id) if self._fetch else None
        if schema is None:
            raise UndecodableError(f"unknown schema id {schema_id}")
        try:
            return None, _parsed(schema)
        except Exception:  # fastavro raises whatever the foreign schema leads it to
            return None, None


def _shapes(schemas: list[Any], schema_id: int) -> list[Shape]:
    """Every record of a topic, as it is written under an id."""
    return [
        Shape(HEADER.pack(MAGIC, schema_id) + bytes([2 * number]), _KINDS[schema["name"]], schema)
        for number, schema in enumerate(schemas)
    ]


def _read(raw: bytes, begin: int, writer: Any, reader: Any = None) -> Any:
    body = BytesIO(raw)
    body.seek(begin)
    try:
        found = fastavro.schemaless_reader(body, writer, reader, return_record_name=True)
    except Exception as error:  # fastavro raises whatever the broken bytes lead it to
        raise UndecodableError(f"broken Avro: {error!r}") from None
    if body.tell() != len(raw):
        raise UndecodableError("bytes are left over behind the Avro body")
    return found


def _each_moment(tool: dict[str, Any], turn: Callable[[Any], Any]) -> None:
    """Turn every time in a tool's fields, in place."""
    tool["listed"] = turn(tool["listed"])
    if tool["retired"] is not None:
        tool["retired"] = turn(tool["retired"])
    for review in tool["panel"]["reviews"]:
        review["time"] = turn(review["time"])


def _parsed(schema: Any) -> Any:
    return fastavro.parse_schema(_plain(schema))


def _plain(schema: Any) -> Any:
    """Drop logical types, so that times stay whole microseconds."""
    if isinstance(schema, dict):
        return {name: _plain(part) for name, part in schema.items() if name != "logicalType"}
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    return schema
