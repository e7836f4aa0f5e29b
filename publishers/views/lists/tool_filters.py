"""Sorting and filtering of a category's tools, as the address of its page asks.

What an address asks that the page does not offer is ignored.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from publishers.views.facts.fact_rows import money_unit, rank
from publishers.views.facts.fact_texts import stated, value_text
from publishers.views.lists.paging import Query
from publishers.views.text.formatting import ENTRIES, VERDICTS
from publishers.views.tools.cards import ranking_key
from schemas.facts.values import FactDefinition, FactValue, Money
from schemas.records import Tool
from schemas.time.instants import from_datetime

MAX_CHOICES = 30
"""The most common values of a text or list that its filter offers."""

FACT = "fact-"
"""Begins the names of what a query asks of facts."""


class Choice(NamedTuple):
    """One choice of a field, and whether the query chooses it."""

    value: str
    label: str
    chosen: bool


class FilterField(NamedTuple):
    """A field of the form: choices, or a value to enter where there are none."""

    name: str
    label: str
    choices: list[Choice]
    value: str = ""
    kind: str = ""


class SortedTools(NamedTuple):
    """The tools that a query asks for, in its order, and the form that shows the query.

    Attributes:
        tools: In order.
        notes: The value of the fact that sorts them, by tool.
        fields: Of the form.
        filtered: Whether the query leaves tools out.
    """

    tools: list[Tool]
    notes: dict[str, str]
    fields: list[FilterField]
    filtered: bool


def sort_and_filter(
    tools: Sequence[Tool], definitions: Sequence[FactDefinition], query: Query
) -> SortedTools:
    """Find the tools of a category that a query asks for."""
    offered = [each for each in definitions if any(dict(stated(tool, [each])) for tool in tools)]
    units = {each.key: unit for each in offered if (unit := _unit(tools, each))}
    left = [tool for tool in tools if _is_wanted(tool, offered, units, query)]
    by_fact = {f"{FACT}{each.key}": each for each in offered if each.type in _SORTABLE}
    order = query.get("sort", "")
    fact = by_fact.get(order)
    ordered = _by_fact(left, fact) if fact else sorted(left, key=_ORDERS.get(order, ranking_key))
    return SortedTools(
        tools=ordered,
        notes=_notes(ordered, fact) if fact else {},
        fields=[_sort_field(order, by_fact), *_fields(tools, offered, units, query)],
        filtered=len(left) < len(tools),
    )


def _by_name(tool: Tool) -> tuple[str, str]:
    return tool.name.casefold(), tool.tool


def _by_share(tool: Tool) -> tuple[int, int, str]:
    share = tool.community.percent
    return -(share if share is not None else -1), -tool.community.votes, tool.tool


def _by_listing(tool: Tool) -> tuple[int, str]:
    return -from_datetime(tool.listed), tool.tool


_ORDERS: dict[str, Callable[[Tool], tuple[float | str, ...]]] = {
    "rating": ranking_key,
    "community": _by_share,
    "name": _by_name,
    "newest": _by_listing,
}
_ORDER_LABELS = {
    "rating": "Panel average",
    "community": "Community share",
    "name": "Name",
    "newest": "Newest",
}
_BOUNDS = {"number": ("at most", "at least"), "date": ("not after", "not before")}
_SORTABLE = ("number", "money", "date", "yes-no")


def _by_fact(tools: Iterable[Tool], definition: FactDefinition) -> list[Tool]:
    """The best first, or the greatest where none is better; tools that do not state it last."""
    ranked: dict[str, list[tuple[Decimal | float | str, Tool]]] = {}
    silent: list[Tool] = []
    for tool in sorted(tools, key=lambda tool: tool.tool):
        value = _value(tool, definition)
        order = None if value is None else rank(definition, value)
        if order is None:
            silent.append(tool)
        else:
            ranked.setdefault(order[0], []).append((order[1], tool))
    kinds = sorted(ranked, key=lambda kind: (-len(ranked[kind]), kind))
    down = definition.better != "less"
    ordered = (
        tool
        for kind in kinds
        for _, tool in sorted(ranked[kind], key=lambda pair: pair[0], reverse=down)
    )
    return [*ordered, *silent]


def _value(tool: Tool, definition: FactDefinition) -> FactValue | None:
    facts = dict(stated(tool, [definition]))
    return facts[definition].value if facts else None


def _unit(tools: Iterable[Tool], definition: FactDefinition) -> str | None:
    """The currency and period in which most tools state a price, such as `USD per month`.

    None for any other fact. Amounts in other units are not comparable with a bound in this one.
    """
    values = (_value(tool, definition) for tool in tools)
    units = Counter(money_unit(value) for value in values if isinstance(value, Money))
    return min(units, key=lambda unit: (-units[unit], unit), default=None)


def _notes(tools: Iterable[Tool], definition: FactDefinition) -> dict[str, str]:
    values = ((tool.tool, _value(tool, definition)) for tool in tools)
    return {
        slug: f"{definition.label}: "
        + ("not stated" if value is None else value_text(value, definition))
        for slug, value in values
    }


def _is_wanted(
    tool: Tool, definitions: Iterable[FactDefinition], units: Mapping[str, str], query: Query
) -> bool:
    entry, verdict = query.get("entry", ""), query.get("verdict", "")
    if entry in ENTRIES and tool.entry != entry:
        return False
    if verdict in VERDICTS and tool.panel.verdict != verdict:
        return False
    return all(
        _fits(definition, _value(tool, definition), asked, units.get(definition.key))
        for definition in definitions
        if (asked := query.get(FACT + definition.key))
    )


def _fits(
    definition: FactDefinition, value: FactValue | None, asked: str, unit: str | None
) -> bool:
    """Whether a value is what a query asks for; every value is, where that cannot be understood.

    Money is compared with a bound in this unit, so amounts in any other one do not fit.
    """
    if definition.type in ("number", "money"):
        bound = _to_number(asked)
        if bound is None:
            return True
        if isinstance(value, Money):
            amount = _to_number(value.amount) if money_unit(value) == unit else None
        else:
            amount = _to_number(str(value))
        return amount is not None and (amount <= bound if _is_most(definition) else amount >= bound)
    if definition.type == "date":
        return isinstance(value, str) and (
            value <= asked if _is_most(definition) else value >= asked
        )
    return asked in _options(definition, value)


def _to_number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.replace(",", "").strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_most(definition: FactDefinition) -> bool:
    """Whether a filter gives the most that a value may be, and not the least."""
    return definition.better == "less"


def _options(definition: FactDefinition, value: FactValue | None) -> list[str]:
    """The choices under which a value is found."""
    if value is None:
        return []
    return list(value) if isinstance(value, tuple | list) else [value_text(value, definition)]


def _sort_field(order: str, by_fact: dict[str, FactDefinition]) -> FilterField:
    labels = _ORDER_LABELS | {name: each.label for name, each in by_fact.items()}
    chosen = order if order in labels else "rating"
    return FilterField("sort", "Sort by", _choices(labels.items(), chosen))


def _fields(
    tools: Sequence[Tool],
    definitions: Iterable[FactDefinition],
    units: Mapping[str, str],
    query: Query,
) -> Iterable[FilterField]:
    entries, verdicts = ({tool.entry for tool in tools}, {tool.panel.verdict for tool in tools})
    for name, label, labels, present in (
        ("entry", "Entry", ENTRIES, entries),
        ("verdict", "Panel verdict", VERDICTS, verdicts),
    ):
        shown = [("", "Any"), *(each for each in labels.items() if each[0] in present)]
        yield FilterField(name, label, _choices(shown, query.get(name, "")))
    for definition in definitions:
        asked, unit = query.get(FACT + definition.key, ""), units.get(definition.key)
        yield _fact_field(tools, definition, asked, unit)


def _fact_field(
    tools: Iterable[Tool], definition: FactDefinition, asked: str, unit: str | None
) -> FilterField:
    name, label = FACT + definition.key, definition.label + (f" in {unit}" if unit else "")
    if definition.type in ("number", "money", "date"):
        kind = "date" if definition.type == "date" else "number"
        most, least = _BOUNDS[kind]
        bound = most if _is_most(definition) else least
        return FilterField(name, f"{label}, {bound}", [], asked, kind)
    values = Counter(
        option for tool in tools for option in _options(definition, _value(tool, definition))
    )
    common = sorted(values, key=lambda value: (-values[value], value))[:MAX_CHOICES]
    shown = [("", "Any"), *((value, value) for value in sorted(common))]
    return FilterField(name, label, _choices(shown, asked))


def _choices(labels: Iterable[tuple[str, str]], chosen: str) -> list[Choice]:
    return [Choice(value, label, value == chosen) for value, label in labels]
