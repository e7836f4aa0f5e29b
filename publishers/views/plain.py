"""Texts of others inside a Markdown page, where they must not become headings, tables or HTML."""

import re
from functools import lru_cache

_MARKS = re.compile(r"[\\`*_\[\]<>|#&]")
_CODE = re.compile(r"(`+[^`]*`+)")
# What lies outside the small subset that bodies may use: it is text, so it stays text.
_OUTSIDE = re.compile(r"<|!(?=\[)|^(?=[ ]{0,3}(?:#|>|[-=]{2,}[ ]*$|\|))", re.MULTILINE)


@lru_cache(maxsize=4096)
def inline(text: str) -> str:
    """A plain text on one line, every mark escaped."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


@lru_cache(maxsize=4096)
def quoted(text: str) -> str:
    """A text in the small Markdown subset as a quotation, so that it ends where it ends."""
    parts = _CODE.split(text.strip())
    safe = [part if at % 2 else _OUTSIDE.sub(r"\\\g<0>", part) for at, part in enumerate(parts)]
    return "\n".join(f"> {line}".rstrip() for line in "".join(safe).splitlines())
