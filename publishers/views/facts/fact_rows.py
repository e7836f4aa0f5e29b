"""The facts of two to four tools as rows of their decision table."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from publishers.views.comparisons.decision_table import DecisionRow
from publishers.views.facts.fact_texts import fact_text, stated
from schemas.facts.values import Fact, FactDefinition, FactValue, Money
from schemas.records import Tool

Definitions = Mapping[str, Sequence[FactDefinition]]
"""The facts that categories name, by the slug of the category."""

Rank = tuple[str, Decimal | float | str]
"""What values are compared by, and the value; only values of one kind can be compared."""


def fact_rows(tools: Sequence[Tool], definitions: Definitions) -> list[DecisionRow]:
    """A row for each fact that at least one of the tools states.

    Tools of different categories share a row where both name the fact in the same way.
    """
    by_tool = [dict(stated(tool, _of(tool, definitions))) for tool in tools]
    named = dict.fromkeys(each for tool in tools for each in _of(tool, definitions))
    return [
        _row(definition, facts)
        for definition in named
        if any(facts := [of_tool.get(definition) for of_tool in by_tool])
    ]


def _of(tool: Tool, definitions: Definitions) -> Sequence[FactDefinition]:
    return definitions.get(tool.category.slug, ())


def _row(definition: FactDefinition, facts: Sequence[Fact | None]) -> DecisionRow:
    texts = [fact_text(definition, fact) for fact in facts]
    return DecisionRow(
        definition.label,
        [each.text for each in texts],
        better=better(definition, [fact.value if fact else None for fact in facts]),
        facts=texts,
    )


def better(definition: FactDefinition, values: Sequence[FactValue | None]) -> tuple[bool, ...]:
    """Which values are the best; none where nothing is better, or where all are equal."""
    ranks = [None if value is None else rank(definition, value) for value in values]
    known = [each for each in ranks if each is not None]
    if definition.better is None or len(known) < 2 or len({kind for kind, _ in known}) > 1:
        return ()
    values_alone = [value for _, value in known]
    best = max(values_alone) if definition.better == "more" else min(values_alone)
    if all(value == best for value in values_alone):
        return ()
    return tuple(each is not None and each[1] == best for each in ranks)


def rank(definition: FactDefinition, value: FactValue) -> Rank | None:
    """What a value is compared by; None for texts and lists."""
    if isinstance(value, Money):
        return money_unit(value), Decimal(value.amount)
    if isinstance(value, bool | int | float):
        return "number", float(value)
    if isinstance(value, str) and definition.type == "date":
        return "date", value  # as text in the order of days
    return None


def money_unit(money: Money) -> str:
    """What an amount is in, such as `USD per month`; amounts in one unit are comparable."""
    return f"{money.currency} per {money.per}" if money.per else money.currency
