"""Rules for the texts of new events that older events on the log may break.

The field types hold for every event, since a worker buries an event that breaks one. These rules
hold at ingest alone. The field types carry the same patterns for the OpenAPI document.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, get_args, get_type_hints

from schemas.events import Data
from schemas.fields import Body, Line, Paragraph, Url
from schemas.text.patterns import LINE_PATTERN, TEXT_PATTERN
from schemas.text.web_address import is_web_address


class Rule(NamedTuple):
    """What a text must fulfil, and how an error names it."""

    accepts: Callable[[str], object]
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


_LINE = Rule(
    re.compile(LINE_PATTERN).match,
    "one line with a visible character and without control characters",
)
_TEXT = Rule(
    re.compile(TEXT_PATTERN).match,
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
