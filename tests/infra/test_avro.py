"""Our Avro bytes are the library's, for every schema and whatever its values."""

from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import avro
from schemas import catalogue
from schemas.instants import from_datetime

LONGS = st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
RECORDS = [
    pytest.param(version, record, id=f"{version.stem} {record['name']}")
    for version in catalogue.VERSIONS
    for record in version.schema()
]


def values(schema: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any value of a schema; a record is an object."""
    match schema:
        case {"type": "record"}:
            fields = {it["name"]: values(it["type"], named) for it in schema["fields"]}
            named[schema["name"]] = st.builds(SimpleNamespace, **fields)
            return named[schema["name"]]
        case {"type": "enum"}:
            named[schema["name"]] = st.sampled_from(schema["symbols"])
            return named[schema["name"]]
        case {"type": "array"}:
            return st.lists(values(schema["items"], named), max_size=5)
        case {"logicalType": "timestamp-micros"}:
            return LONGS | MOMENTS
        case {"type": other} | ["null", other]:
            found = values(other, named)
            return st.none() | found if isinstance(schema, list) else found
        case _:
            return PLAIN[schema] if schema in PLAIN else named[schema]


PLAIN = {
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": LONGS,
    "string": st.text(max_size=300),
}


def library(schema: Any, value: Any) -> bytes:
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(untimed(schema)), value)
    return body.getvalue()


def untimed(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: untimed(part) for name, part in schema.items() if name != "logicalType"}
    return [untimed(part) for part in schema] if isinstance(schema, list) else schema


def plain(value: Any) -> Any:
    if isinstance(value, SimpleNamespace):
        return {name: plain(part) for name, part in vars(value).items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return from_datetime(value) if isinstance(value, datetime) else value


@pytest.mark.parametrize(("version", "record"), RECORDS)
@given(st.data())
def test_every_record_is_written_as_the_library_writes_it(
    version: catalogue.Version, record: dict[str, Any], data: st.DataObject
):
    named: avro.Named = {}
    strategies: dict[str, Any] = {}
    for earlier in version.schema():  # a type may be named in one record and used in a later one
        write, any_value = avro.writer(earlier, named), values(earlier, strategies)
        if earlier == record:
            break
    value = data.draw(any_value)
    named_value = (f"verdicts.{record['name']}", plain(value))
    union = avro.long(version.schema().index(record))
    assert union + write(value) == library(version.schema(), named_value)


@given(LONGS)
def test_whole_numbers_of_64_bits_are_written_as_the_library_writes_them(value: int):
    assert avro.long(value) == library("long", value)


def test_a_schema_with_what_none_of_ours_uses_is_refused():
    with pytest.raises(KeyError):
        avro.writer({"type": "fixed", "name": "Hash", "size": 16}, {})
