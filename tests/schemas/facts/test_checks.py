import pytest

from schemas.facts.checks import check_facts, fits
from schemas.facts.values import Fact, FactType, FactValue, Money
from tests.harness.examples import FACT_DEFINITIONS, FACTS

VALUES: dict[FactType, FactValue] = {
    "number": 2.5,
    "money": Money("20.00", "USD"),
    "text": "Apache 2.0",
    "yes-no": False,
    "list": ("Linux",),
    "date": "2026-11-20",
}


@pytest.mark.parametrize("fact_type", VALUES)
def test_a_value_fits_its_own_type_alone(fact_type: FactType) -> None:
    fitting = {name for name, value in VALUES.items() if fits(value, fact_type)}
    assert fitting == ({"text", "date"} if fact_type == "text" else {fact_type})


@pytest.mark.parametrize("text", ["2026-02-31", "20261120", "2026-11-20T00:00", "soon"])
def test_no_other_text_is_a_date(text: str) -> None:
    assert not fits(text, "date")


def test_a_key_that_the_category_does_not_name_is_a_warning() -> None:
    warnings = list(check_facts(FACTS, FACT_DEFINITIONS))
    assert [(warning.code, warning.pointer) for warning in warnings] == [
        ("unknown-fact", "/data/facts/platforms"),
        ("unknown-fact", "/data/facts/size"),
    ]


def test_a_value_of_another_type_is_a_warning_that_says_what_is_expected() -> None:
    (warning,) = check_facts({"price": Fact("20 dollars")}, FACT_DEFINITIONS)
    assert (warning.code, warning.pointer) == ("fact-type", "/data/facts/price/value")
    assert "an amount of money" in warning.detail
