"""Header fields of a request as an application reads them (RFC 9110, section 5)."""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

Field = tuple[bytes, bytes]

_SINGLE = frozenset(
    (
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"if-modified-since",
        b"last-event-id",
        b"origin",
        b"referer",
        b"sec-fetch-site",
    )
)
"""Fields that are no lists, so that a joined value would mean something else."""
_SINGLE_PREFIX = b"ce-"
"""Begins each attribute of a CloudEvent in binary mode."""
_SCOPE_KEY = "verdicts.fields"


class RepeatedFieldError(ValueError):
    """A field occurs more than once that may not; the message names it."""


def fields_of(scope: MutableMapping[str, Any]) -> Mapping[bytes, bytes]:
    """The joined fields of an ASGI request, which are read once and kept in its scope.

    Raises:
        RepeatedFieldError: As of `join_fields`.
    """
    fields: Mapping[bytes, bytes] | None = scope.get(_SCOPE_KEY)
    if fields is None:
        fields = scope[_SCOPE_KEY] = join_fields(scope["headers"])
    return fields


def join_fields(fields: Iterable[Field]) -> dict[bytes, bytes]:
    """Each field's value by its lower-case name, with the values of repeated fields joined.

    Values keep their order and are joined with a comma, those of `Cookie` with a semicolon.

    Raises:
        RepeatedFieldError: A field occurs twice that is no list.
    """
    joined: dict[bytes, bytes] = {}
    for name, value in fields:
        if name not in joined:
            joined[name] = value
        elif name in _SINGLE or name.startswith(_SINGLE_PREFIX):
            raise RepeatedFieldError(name.decode("latin-1"))
        else:
            joined[name] += (b"; " if name == b"cookie" else b", ") + value
    return joined
