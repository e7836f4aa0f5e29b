"""`/docs`: the API for people, on one page without scripts, with examples in place of patterns."""

import json
from functools import cache
from inspect import getdoc
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec
from msgspec import UnsetType
from starlette.requests import Request
from starlette.responses import Response

from schemas.events import Data
from schemas.facts.values import FactDefinitions, Facts
from schemas.fields import Body, Line, Paragraph, Position, Score, Slug, Url, Voter
from schemas.records import Choice, Entry
from streams.api.http.html_page import html_page
from streams.api.openapi import examples
from streams.api.openapi.event_schema import CLIENT_EVENTS, AnyEvent
from streams.api.openapi.operation import FORM, TAGS, Operation
from streams.api.openapi.operations import OPERATIONS

_WORDS: list[tuple[Any, str]] = [
    (
        Slug,
        "a slug such as `smolvlm-2-5`: up to 80 lower-case letters and digits, with hyphens",
    ),
    (Line, "one line of up to 300 characters"),
    (Paragraph, "up to 2,000 characters"),
    (Body, "up to 20,000 characters, in a subset of Markdown"),
    (Url, "an http or https address"),
    (Voter, "your name for the voter, up to 128 characters; never shown"),
    (Score, "a whole number from 0 to 100"),
    (Position, "a whole number; smaller comes first"),
    (
        FactDefinitions,
        "a list of facts, each with `key`, `label`, `type` (`number`, `money`, `text`, `yes-no`, "
        "`list` or `date`) and, where it has them, `unit` and `better` (`more` or `less`)",
    ),
    (
        Facts,
        "facts by the keys of the category, each with `value` and, where it has them, `source` "
        '(an address) and `as_of` (a date); money is `{"amount": "20.00", "currency": "USD", '
        '"per": "month"}`',
    ),
    *((words, " or ".join(f"`{word}`" for word in get_args(words))) for words in (Choice, Entry)),
]


class Field(NamedTuple):
    """A field of an event's data, and what it may hold in words."""

    name: str
    required: bool
    words: str


async def get_docs(_: Request) -> Response:
    """`GET /docs`."""
    return html_page("docs.html", groups=_groups(), events=_events())


@cache
def _groups() -> list[dict[str, Any]]:
    """The operations by their tags, with examples."""
    return [
        {
            "name": name,
            "about": about,
            "entries": [_described(each) for each in OPERATIONS if each.tag == name],
        }
        for name, about in TAGS.items()
    ]


def _described(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation,
        "statuses": sorted({*operation.statuses, *operation.errors}),
        "request": _request(operation),
        "response": _example(operation.response),
    }


def _request(operation: Operation) -> str:
    """An example of the request's body; empty without one."""
    if operation.body is AnyEvent:
        return _pretty(examples.event("vote.cast"))
    if operation.body_type == FORM:
        fields = examples.by_type()[repr(operation.body)]
        return "&".join(f"{name}={value}" for name, value in fields.items())
    return _example(operation.body)


def _example(type_: Any) -> str:
    example = examples.by_type().get(repr(type_))
    return "" if example is None else _pretty(example)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@cache
def _events() -> list[dict[str, Any]]:
    """The events that a client may send."""
    return [
        {
            "type": event_type,
            "role": data.role,
            "summary": getdoc(data),
            "fields": _fields(data),
            "example": _pretty(examples.event(event_type)),
        }
        for event_type, data in CLIENT_EVENTS.items()
    ]


def _fields(data: type[Data]) -> list[Field]:
    hints = get_type_hints(data, include_extras=True)
    return [
        Field(field.name, field.required, words_for(hints[field.name]))
        for field in msgspec.structs.fields(data)
    ]


def words_for(hint: Any) -> str:
    """What a field of this type may hold, in words."""
    parts = get_args(hint)
    for type_, words in _WORDS:
        if hint == type_ or (type_ in parts and {type(None), UnsetType} & {*parts}):
            return words
        if type_ in parts:
            return f"a list of texts, each {words}"
    raise LookupError(f"no words for {hint}")
