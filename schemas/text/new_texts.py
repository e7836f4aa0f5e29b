"""Rules for the texts of new events that older events on the log may break.

The field types hold for every event, since a worker buries an event that breaks one. These rules
hold at ingest alone. The field types carry the same patterns for the OpenAPI document.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from schemas.events import Data
from schemas.facts.checks import is_date
from schemas.facts.values import Date
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
    return next(_broken_rules(data, ""), None)


def _broken_rules(value: msgspec.Struct, pointer: str) -> Iterator[BrokenRule]:
    for name, rule in _rules_of(type(value)):
        for at, text in _texts(getattr(value, name), f"{pointer}/{name}"):
            if not rule.accepts(text):
                yield BrokenRule(at, rule.expected)
    for name in _holders_of(type(value)):
        for at, struct in _structs(getattr(value, name), f"{pointer}/{name}"):
            yield from _broken_rules(struct, at)


_LINE = Rule(
    re.compile(LINE_PATTERN).match,
    "one line with a visible character and without control characters",
)
_TEXT = Rule(
    re.compile(TEXT_PATTERN).match,
    "a text without control characters other than line breaks and tabs",
)
_URL = Rule(is_web_address, "an http or https address with a possible host and port")
_DATE = Rule(is_date, "a date of the calendar, such as 2026-11-20")
_RULES: list[tuple[Any, Rule]] = [
    (Line, _LINE),
    (Paragraph, _TEXT),
    (Body, _TEXT),
    (Url, _URL),
    (Date, _DATE),
]


@cache
def _rules_of(type_: type[msgspec.Struct]) -> list[tuple[str, Rule]]:
    """The fields of a type that have a rule, also as optional or repeated fields."""
    hints = get_type_hints(type_, include_extras=True)
    return [
        (name, rule)
        for name, hint in hints.items()
        for ruled, rule in _RULES
        if ruled in _parts(hint)
    ]


@cache
def _holders_of(type_: type[msgspec.Struct]) -> list[str]:
    """The fields of a type that hold structs."""
    hints = get_type_hints(type_, include_extras=True)
    return [
        name
        for name, hint in hints.items()
        if any(isinstance(part, type) and issubclass(part, msgspec.Struct) for part in _parts(hint))
    ]


def _parts(hint: Any) -> list[Any]:
    """A type and all types that it is made of, but the text beneath a type with a rule."""
    if hint in [ruled for ruled, _ in _RULES]:
        return [hint]
    return [hint, *(part for argument in get_args(hint) for part in _parts(argument))]


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, tuple):
        yield from (
            (f"{pointer}/{index}", text) for index, text in enumerate(value) if type(text) is str
        )


def _structs(value: Any, pointer: str) -> Iterator[tuple[str, msgspec.Struct]]:
    if isinstance(value, msgspec.Struct):
        yield pointer, value
    elif isinstance(value, tuple):
        for index, part in enumerate(value):
            yield from _structs(part, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _structs(part, f"{pointer}/{key}")
