"""Bytes on a topic: Avro in the Confluent wire format (magic byte, schema id, body).

Times stay whole microseconds: the schemas say `timestamp-micros` for other readers, but turning
every vote's time into a datetime and back would cost more than the rest of its decoding. For the
same reason the codec resolves the union of our own schemas itself: the first bytes name the record,
and fastavro reads or writes that record alone.
"""

import struct
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, NamedTuple

import fastavro
import msgspec

from schemas import topics
from schemas.avro import catalogue
from schemas.avro.catalogue import Version
from schemas.avro.record_fields import to_fields, to_record, upcast_digest
from schemas.avro.voter_events import (
    VOTER_EVENTS,
    EventFields,
    VoterEvent,
    decode_voter_event,
    encode_voter_event,
)
from schemas.digests import AnyRecord, Digest
from schemas.events import EVENT_TYPES, Data, Event
from schemas.fields import LONGEST_ID
from schemas.records import Category, Reviewer, Tool
from schemas.time.instants import parse

MAGIC = 0
HEADER = struct.Struct(">BI")
_PREFIX_SIZE = HEADER.size + 1  # with the record's index in the union: one byte for up to 64
FIRST_TIME = parse("0001-01-01T00:00:00Z")
LAST_TIME = parse("9999-12-31T23:59:59.999999Z")

RecordType = type[Any]

_EVENTS: dict[str, RecordType] = {
    f"verdicts.{data.__name__}": data for data in EVENT_TYPES.values()
}
_UNSET_FIELDS: dict[RecordType, list[str]] = {
    data: [field.name for field in msgspec.structs.fields(data) if field.default is msgspec.UNSET]
    for data in EVENT_TYPES.values()
}
"""Fields that an event leaves out where Avro holds null."""
_RECORDS = {f"verdicts.{record.__name__}": record for record in (Tool, Category, Reviewer, Digest)}
_TYPES = _EVENTS | _RECORDS
_DIGESTS_AS_TEXT = next(
    version
    for version in catalogue.VERSIONS
    if (version.topic, version.version) == (topics.CHANGES, 1)
)
"""The version in which a digest is a JSON text."""


class UndecodableError(ValueError):
    """Bytes that can never be applied: no Avro of ours, or values that no event may have."""


class RecordSchema(NamedTuple):
    """One record of a topic: the first bytes of its values, its type here, its parsed schema."""

    prefix: bytes
    type: RecordType
    schema: Any


class Codec:
    """Encodes and decodes events and records.

    Args:
        ids: A registry's ids of our schemas, by their pinned ids. New records carry the
            registry's id where there is one, else the pinned id.
        fetch: Finds the schema of an id that is not ours, or None; called once per known id.

    Attributes:
        ids: As given.
        versions: Our schema versions by every id that a record may carry.
    """

    def __init__(
        self,
        ids: Mapping[int, int] | None = None,
        fetch: Callable[[int], Any | None] | None = None,
    ) -> None:
        self.ids = dict(ids or {})
        self.versions: dict[int, Version] = catalogue.BY_ID | {
            registered: catalogue.BY_ID[pinned] for pinned, registered in self.ids.items()
        }
        self._fetch = fetch
        self._parsed = {
            topic: _parsed(version.schema()) for topic, version in catalogue.NEWEST.items()
        }
        self._written: dict[RecordType, RecordSchema] = {}
        self._read: dict[str, dict[bytes, RecordSchema]] = {}
        for topic, version in catalogue.NEWEST.items():
            written = _record_schemas(self._parsed[topic], self.id_of(version))
            self._written |= {schema.type: schema for schema in written}
            pinned = _record_schemas(self._parsed[topic], version.id)
            self._read[topic] = {schema.prefix: schema for schema in (*pinned, *written)}
        self._readers: dict[int, Any] = {}

    def id_of(self, version: Version) -> int:
        """The id that new records of a schema version carry."""
        return self.ids.get(version.id, version.id)

    def encode(self, event: Event) -> bytes:
        """Encode an event for the topic of its type."""
        data = event.data
        if isinstance(data, VoterEvent):
            prefix = self._written[type(data)].prefix
            return encode_voter_event(prefix, event.id, event.time, data, event.source)
        fields = msgspec.to_builtins(data)  # a digest's tallies are structs of their own
        fields["id"], fields["time"], fields["source"] = event.id, event.time, event.source
        return self._encode(type(data), fields)

    def decode(self, topic: str, raw: bytes | None) -> Event:
        """Decode an event of `topic`.

        Raises:
            UndecodableError: with a reason for the dead letter.
        """
        type_, (id_, time, fields, source) = self._read_event(topic, raw)
        try:
            # Avro has checked the types; msgspec checks what Avro cannot express.
            data: Data = msgspec.convert(fields, type_)
        except msgspec.ValidationError as error:
            raise UndecodableError(f"no valid {type_.__name__}: {error}") from None
        if not 0 < len(id_) <= LONGEST_ID or "\0" in id_:
            raise UndecodableError(f"its id {id_[:LONGEST_ID]!r} is empty, too long or holds NUL")
        if not FIRST_TIME <= time <= LAST_TIME:
            raise UndecodableError(f"its time {time} lies outside years 1 to 9999")
        return Event(id_, time, data, source)

    def _read_event(self, topic: str, raw: bytes | None) -> tuple[type[Data], EventFields]:
        """The type of an event's data and its fields, unchecked."""
        schema = self._current_schema(topic, raw)
        if raw and schema and schema.type in VOTER_EVENTS:
            usual = decode_voter_event(raw, _PREFIX_SIZE, schema.type)
            if usual is not None:
                return schema.type, usual
        type_, fields = self._decode(topic, raw)
        try:
            id_, time, source = fields.pop("id"), fields.pop("time"), fields.pop("source")
            unset = [name for name in _UNSET_FIELDS[type_] if fields[name] is None]
        except KeyError as error:
            raise UndecodableError(f"no valid {type_.__name__}: {error}") from None
        for name in unset:
            del fields[name]
        return type_, EventFields(id_, time, fields, source)

    def is_current(self, topic: str, raw: bytes | None) -> bool:
        """Whether bytes are of a current schema of the topic: decoding them asks no registry."""
        return self._current_schema(topic, raw) is not None

    def _current_schema(self, topic: str, raw: bytes | None) -> RecordSchema | None:
        """The record of the topic that the first bytes name."""
        return self._read[topic].get(raw[:_PREFIX_SIZE]) if raw else None

    def encode_record(self, record: AnyRecord) -> bytes:
        """Encode a record for `verdicts.changes.v1`."""
        return self._encode(type(record), to_fields(record))

    def decode_record(self, raw: bytes) -> AnyRecord:
        """Decode a record of `verdicts.changes.v1`.

        Raises:
            UndecodableError: with a reason.
        """
        type_, fields = self._decode(topics.CHANGES.name, raw)
        try:
            return to_record(type_, fields)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise UndecodableError(f"no valid {type_.__name__}: {error}") from None

    def _encode(self, type_: RecordType, fields: dict[str, Any]) -> bytes:
        schema, body = self._written[type_], BytesIO()
        body.write(schema.prefix)
        # A tuple is a list of ours, never fastavro's pair of a record's name and fields.
        fastavro.schemaless_writer(body, schema.schema, fields, disable_tuple_notation=True)
        return body.getvalue()

    def _decode(self, topic: str, raw: bytes | None) -> tuple[RecordType, dict[str, Any]]:
        """The type of the record, and its fields."""
        schema = self._current_schema(topic, raw)
        if raw is None or schema is None:
            return self._resolve(topic, raw)
        fields: Any = _read(raw, _PREFIX_SIZE, schema.schema, names=False)
        return schema.type, fields

    def _resolve(self, topic: str, raw: bytes | None) -> tuple[RecordType, dict[str, Any]]:
        """The same for bytes of an older schema, a registry's schema, or none."""
        if raw is None or len(raw) < HEADER.size or raw[0] != MAGIC:
            raise UndecodableError("not in the Confluent wire format")
        _, schema_id = HEADER.unpack_from(raw)
        writer = self._reader_for(topic, schema_id)
        if self.versions.get(schema_id) is _DIGESTS_AS_TEXT:
            name, fields = _read(raw, HEADER.size, writer)
            if _TYPES[name] is Digest:
                return Digest, _upcast(fields)
        name, fields = _read(raw, HEADER.size, writer, self._parsed[topic])
        return _TYPES[name], _without_names(fields)

    def _reader_for(self, topic: str, schema_id: int) -> Any:
        reader = self._readers.get(schema_id)
        if reader is None:
            reader = self._readers[schema_id] = self._find(schema_id)
        schema_topic, schema = reader
        if schema_topic not in (None, topic):
            raise UndecodableError(f"schema {schema_id} belongs to {schema_topic}")
        if schema is None:
            raise UndecodableError(f"schema {schema_id} is no Avro schema, or not self-contained")
        return schema

    def _find(self, schema_id: int) -> tuple[str | None, Any]:
        """The topic of a schema, None if it is not ours; and the schema, None if it is no Avro."""
        if version := self.versions.get(schema_id):
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


def _record_schemas(union: list[Any], schema_id: int) -> list[RecordSchema]:
    """Every record of a topic's union, as it is written under an id."""
    header = HEADER.pack(MAGIC, schema_id)
    return [
        RecordSchema(header + bytes([2 * index]), _TYPES[schema["name"]], schema)
        for index, schema in enumerate(union)
    ]


def _read(raw: bytes, begin: int, writer: Any, reader: Any = None, *, names: bool = True) -> Any:
    """Read a body; with `names`, each record in a union comes as a pair of name and fields."""
    body = BytesIO(raw)
    body.seek(begin)
    try:
        fields = fastavro.schemaless_reader(body, writer, reader, return_record_name=names)
    except Exception as error:  # fastavro raises whatever the broken bytes lead it to
        raise UndecodableError(f"broken Avro: {error!r}") from None
    if body.tell() != len(raw):
        raise UndecodableError("bytes are left over behind the Avro body")
    return fields


def _without_names(value: Any) -> Any:
    """Replace the pairs of name and fields inside a record; Avro's arrays are lists."""
    if isinstance(value, tuple):
        return _without_names(value[1])
    if isinstance(value, dict):
        return {name: _without_names(part) for name, part in value.items()}
    return [_without_names(part) for part in value] if isinstance(value, list) else value


def _upcast(fields: dict[str, Any]) -> dict[str, Any]:
    try:
        return upcast_digest(fields)
    except ValueError as error:
        raise UndecodableError(str(error)) from None


def _parsed(schema: Any) -> Any:
    return fastavro.parse_schema(_plain(schema))


def _plain(schema: Any) -> Any:
    """Drop logical types, so that times stay whole microseconds."""
    if isinstance(schema, dict):
        return {name: _plain(part) for name, part in schema.items() if name != "logicalType"}
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    return schema
