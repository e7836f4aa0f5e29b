"""A tool's facts as texts: those that its category names, and whose values are of their type."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

from publishers.views.text.formatting import day
from schemas.facts.checks import fits
from schemas.facts.values import Fact, FactDefinition, FactValue, Money
from schemas.records import Tool
from schemas.text.web_address import is_web_address

NOT_STATED = "not stated"


class FactText(NamedTuple):
    """One fact of a tool: its label, its text, and where it comes from."""

    label: str
    text: str
    source: str = ""
    as_of: str = ""


def fact_texts(tool: Tool, definitions: Iterable[FactDefinition]) -> list[FactText]:
    """The facts that a tool states, in the order of its category."""
    return [fact_text(definition, fact) for definition, fact in stated(tool, definitions)]


def stated(
    tool: Tool, definitions: Iterable[FactDefinition]
) -> Iterator[tuple[FactDefinition, Fact]]:
    """The facts of a tool that its category names, as far as their values are of their type."""
    for definition in definitions:
        fact = tool.facts.get(definition.key)
        if fact is not None and fits(fact.value, definition.type):
            yield definition, fact


def fact_text(definition: FactDefinition, fact: Fact | None) -> FactText:
    """One fact of a tool as text."""
    if fact is None:
        return FactText(definition.label, NOT_STATED)
    text = value_text(fact.value, definition)
    source = fact.source if fact.source and is_web_address(fact.source) else ""
    return FactText(definition.label, text, source, _day(fact.as_of) if fact.as_of else "")


def value_text(value: FactValue, definition: FactDefinition) -> str:
    """`128,000 tokens`, `20.00 USD per month`, `Yes`, `20 November 2026`, `Linux, macOS`."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int | float):
        return " ".join(filter(None, [_number(value), definition.unit]))
    if isinstance(value, Money):
        per = f" per {value.per}" if value.per else ""
        return f"{_amount(value.amount)} {value.currency}{per}"
    if isinstance(value, str):
        return _day(value) if definition.type == "date" else value
    return ", ".join(value) or "None"


def _number(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,}"


def _amount(amount: str) -> str:
    whole, point, cents = amount.partition(".")
    return f"{int(whole):,}{point}{cents}"


def _day(text: str) -> str:
    try:
        at = date.fromisoformat(text)
    except ValueError:  # a day that the calendar does not have
        return text
    return day(datetime(at.year, at.month, at.day, tzinfo=UTC))
