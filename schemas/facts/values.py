"""Facts: a category says which facts its tools have, and a tool's listing gives their values.

References come in any order, so a value is checked by its shape alone; whether a category names
its key is a question of the moment (`schemas.facts.checks`).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.fields import Line, Url

FactType = Literal["number", "money", "text", "yes-no", "list", "date"]
Better = Literal["more", "less"]

FACT_KEY_PATTERN = r"^[a-z0-9]+(?:[_-][a-z0-9]+)*\Z"
AMOUNT_PATTERN = r"^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?\Z"
CURRENCY_PATTERN = r"^[A-Z]{3}\Z"
DATE_PATTERN = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])\Z"
MOST_FACTS = 50
MOST_LIST_ITEMS = 50
LARGEST_NUMBER = 2**53
"""Numbers are between its negative and itself, where doubles hold every integer."""

FactKey = Annotated[str, Meta(pattern=FACT_KEY_PATTERN, max_length=80)]
Date = Annotated[str, Meta(pattern=DATE_PATTERN, extra_json_schema={"format": "date"})]
Amount = Annotated[str, Meta(pattern=AMOUNT_PATTERN)]
Currency = Annotated[str, Meta(pattern=CURRENCY_PATTERN)]
_BOUNDS = Meta(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)


class FactDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact that a category's tools have.

    Attributes:
        key: The name under which listings give its value.
        label: Its name for readers.
        type: The kind of its values.
        unit: Unit of a number, such as `tokens`.
        better: Whether more or less of it is better; None where neither is.
    """

    key: FactKey
    label: Line
    type: FactType
    unit: Line | None = None
    better: Better | None = None


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount of money: a decimal number as text, the currency's ISO 4217 code, and per what."""

    amount: Amount
    currency: Currency
    per: Line | None = None


FactValue = (
    bool
    | Annotated[int, _BOUNDS]
    | Annotated[float, _BOUNDS]
    | Line
    | Annotated[tuple[Line, ...], Meta(max_length=MOST_LIST_ITEMS)]
    | Money
)
"""Yes or no, a number, a text or a date (`2026-11-20`), a list of texts, or money."""


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact's value, the address of its source, and the date on which it held."""

    value: FactValue
    source: Url | None = None
    as_of: Date | None = None


FactDefinitions = Annotated[tuple[FactDefinition, ...], Meta(max_length=MOST_FACTS)]
Facts = Annotated[dict[FactKey, Fact], Meta(max_length=MOST_FACTS)]
