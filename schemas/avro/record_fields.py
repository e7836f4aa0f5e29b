"""Between records of the changes topic and their values in Avro, where times are microseconds."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from schemas import digests
from schemas.digests import AnyRecord, Digest
from schemas.records import Reviewer, Tool
from schemas.time.instants import from_datetime, to_datetime

Fields = dict[str, Any]
Convert = Callable[[Any], Any]


def to_fields(record: AnyRecord) -> Fields:
    """The values of a record."""
    fields: Fields = msgspec.to_builtins(record, builtin_types=(datetime,))
    _convert_times(type(record), fields, from_datetime)
    return fields


def to_record(type_: type[Any], fields: Fields) -> AnyRecord:
    """The record with these values, which are changed in place.

    Raises:
        ValueError, KeyError, TypeError, OverflowError: They are no record of that type.
    """
    _convert_times(type_, fields, to_datetime)
    record: AnyRecord = msgspec.convert(fields, type_)
    return record


def upcast_digest(fields: Fields) -> Fields:
    """The values of a digest that an older schema holds as JSON text.

    Raises:
        ValueError: The text is no digest.
    """
    digest = digests.read(fields["digest"])
    if digest is None:
        raise ValueError(f"its text is no digest of {fields['week']}")
    return to_fields(Digest.of(digest, fields["version"]))


def _convert_times(type_: type[Any], fields: Fields, convert: Convert) -> None:
    """Convert every time in the values of a tool, a reviewer or a digest, in place."""
    if type_ is Tool:
        _convert(fields, "listed", convert)
        if fields["retired"] is not None:
            _convert(fields, "retired", convert)
        for review in fields["panel"]["reviews"]:
            _convert(review, "time", convert)
    elif type_ is Reviewer:
        if fields["left"] is not None:
            _convert(fields, "left", convert)
    elif type_ is Digest:
        _convert(fields, "start", convert)
        _convert(fields, "end", convert)
        for tool in fields["new_tools"]:
            _convert(tool, "listed", convert)
        for item in (*fields["reviews"], *fields["merges"]):
            _convert(item, "time", convert)


def _convert(fields: Fields, name: str, convert: Convert) -> None:
    fields[name] = convert(fields[name])
