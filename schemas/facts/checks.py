"""Compare a tool's facts with what its category names; differences are warnings, never errors."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from schemas.facts.values import Fact, FactDefinition, FactType, FactValue, Money

_EXPECTED: Mapping[FactType, str] = {
    "number": "a number",
    "money": "an amount of money with its currency",
    "text": "a text",
    "yes-no": "true or false",
    "list": "a list of texts",
    "date": "a date such as 2026-11-20",
}


class FactWarning(NamedTuple):
    """A value that no page shows: kind for programs, sentence for people, pointer into the data."""

    code: str
    detail: str
    pointer: str


def check_facts(
    facts: Mapping[str, Fact], definitions: Iterable[FactDefinition]
) -> Iterator[FactWarning]:
    """Name the facts that a category does not name, and those of another type than it says."""
    types = {definition.key: definition.type for definition in definitions}
    for key, fact in facts.items():
        if key not in types:
            detail = f"The category names no fact {key!r}, so no page shows it."
            yield FactWarning("unknown-fact", detail, f"/data/facts/{key}")
        elif not fits(fact.value, types[key]):
            detail = f"Its category expects {_EXPECTED[types[key]]}, so no page shows it."
            yield FactWarning("fact-type", detail, f"/data/facts/{key}/value")


def fits(value: FactValue, fact_type: FactType) -> bool:
    """Return whether a value is of a fact's type."""
    match fact_type:
        case "yes-no":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "money":
            return isinstance(value, Money)
        case "list":
            return isinstance(value, tuple | list)
        case "date":
            return isinstance(value, str) and is_date(value)
        case "text":
            return isinstance(value, str)


def is_date(text: str) -> bool:
    """Return whether a text is a date of the calendar, as `2026-11-20`."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
