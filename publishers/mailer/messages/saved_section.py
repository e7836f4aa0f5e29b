"""The section of a mail on the tools that its reader saved: parts that are encoded once each."""

import quopri
from collections.abc import Iterable
from typing import NamedTuple

from publishers.mailer.messages.dkim import canonical_body

_BREAK = b"=\r\n"


class EncodedPart(NamedTuple):
    """Text in quoted-printable that ends with a soft line break, and its relaxed form for DKIM."""

    encoded: bytes = b""
    canonical: bytes = b""

    @classmethod
    def of(cls, text: str) -> "EncodedPart":
        """Encode a text that follows a line break."""
        lines = quopri.encodestring(text.encode()).replace(b"\r\n", b"\n")
        encoded = lines.replace(b"\n", b"\r\n") + _BREAK
        return cls(encoded, canonical_body(encoded))


class SavedSection(NamedTuple):
    """The section, or a part of it, as plain text and as HTML; empty without news."""

    plain: EncodedPart = EncodedPart()
    html: EncodedPart = EncodedPart()


def join(parts: Iterable[SavedSection]) -> SavedSection:
    """Parts one after another."""
    columns = [*parts]
    return SavedSection(
        _join([part.plain for part in columns]), _join([part.html for part in columns])
    )


def _join(parts: list[EncodedPart]) -> EncodedPart:
    return EncodedPart(
        b"".join(part.encoded for part in parts), b"".join(part.canonical for part in parts)
    )
