"""Header fields of a request as an application reads them (RFC 9110, section 5)."""

from collections.abc import Iterable

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


class RepeatedFieldError(ValueError):
    """A field occurs more than once that may not; the message names it."""


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
