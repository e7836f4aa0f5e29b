"""Bidirectional isolation: a text of any script leaves the order of the text around it alone.

See Unicode Standard Annex 9. Older events may hold control characters and line breaks where new
events may not, so rendering leaves them out.
"""

import re
import unicodedata
from functools import lru_cache

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_ISOLATES = re.compile("[\u2066-\u2069]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_LEFT_TO_RIGHT = frozenset(("L", "EN", "ES", "ET", "CS", "NSM", "BN", "S", "WS", "ON", "B"))


def holds_controls(text: str) -> bool:
    """Whether a text holds control characters besides line feed, carriage return and tab."""
    return _CONTROLS.search(text) is not None


def drop_controls(value: object) -> object:
    """A text without control characters except line feed, carriage return and tab.

    Values that are no text, and safe HTML, keep their type.
    """
    if isinstance(value, str) and holds_controls(value):
        return type(value)(_CONTROLS.sub("", value))
    return value


@lru_cache(maxsize=8192)
def isolate(text: str) -> str:
    """The text on one line for sentences, titles and attributes.

    A text with characters that can change the order around it stands between U+2068 and U+2069.
    """
    line = " ".join(drop_isolates(text).split())
    if all(unicodedata.bidirectional(character) in _LEFT_TO_RIGHT for character in line):
        return line
    return f"{_FIRST_STRONG_ISOLATE}{line}{_POP_ISOLATE}"


def drop_isolates(text: str) -> str:
    """The text without isolating characters: a lone U+2069 would close its own isolation."""
    return _ISOLATES.sub("", text)
