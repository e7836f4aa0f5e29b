"""Rules for the texts of new events that older events on the log may break.

The field types hold for every event, since a worker buries an event that breaks one. These rules
hold at ingest alone.
"""

import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, get_args, get_type_hints

from schemas.events import Data
from schemas.fields import Body, Line, Paragraph, Url
from schemas.text.isolation import holds_controls
from schemas.text.web_address import is_web_address

_VISIBLE = ("L", "N", "P", "S")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols without a glyph: Hangul fillers and the empty Braille pattern."""


class Rule(NamedTuple):
    """What a text must fulfil, and how an error names it."""

    accepts: Callable[[str], bool]
    expected: str


class BrokenRule(NamedTuple):
    """The JSON pointer below the data of a text, and what was expected there."""

    pointer: str
    expected: str


def broken_rule(data: Data) -> BrokenRule | None:
    """The first text of new data that breaks a rule."""
    for name, rule in _rules_of(type(data)):
        for pointer, text in _texts(getattr(data, name), f"/{name}"):
            if not rule.accepts(text):
                return BrokenRule(pointer, rule.expected)
    return None


def is_line(text: str) -> bool:
    """Whether a text is one line without control characters and with a visible character."""
    one_line = len(text.splitlines()) == 1 and "\t" not in text and not holds_controls(text)
    return one_line and text == text.rstrip("\n\r\u2028\u2029") and any(map(_is_visible, text))


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] in _VISIBLE and character not in _BLANK


_LINE = Rule(is_line, "one line with a visible character and without control characters")
_TEXT = Rule(
    lambda text: not holds_controls(text),
    "a text without control characters other than line breaks and tabs",
)
_URL = Rule(is_web_address, "an http or https address with a possible host and port")
_RULES: list[tuple[Any, Rule]] = [(Line, _LINE), (Paragraph, _TEXT), (Body, _TEXT), (Url, _URL)]


@cache
def _rules_of(data_type: type[Data]) -> list[tuple[str, Rule]]:
    """The fields of a type that have a rule, also as optional or repeated fields."""
    hints = get_type_hints(data_type, include_extras=True)
    return [
        (name, rule)
        for name, hint in hints.items()
        for type_, rule in _RULES
        if type_ in (hint, *get_args(hint))
    ]


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif value is not None:
        yield from ((f"{pointer}/{index}", text) for index, text in enumerate(value))
