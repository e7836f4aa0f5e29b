import json
from email import message_from_bytes
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from infra.cli.failures import describe
from infra.cli.main import verdicts
from tests.harness import examples
from tests.harness.examples import NOON, TOOL
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration


class Operator:
    """Somebody at a terminal, and a database that a vote of a running week stands in."""

    def __init__(self, engine: Engine, database: str) -> None:
        self.journal = Journal(engine)
        self.journal.apply(examples.a_listing(), examples.a_vote(time=NOON))
        self.environment = {
            "DATABASE_URL": database,
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
            "VERDICTS_PUBLIC_URL": "https://verdicts.example",
        }

    def runs(self, *arguments: str) -> Result:
        runner = CliRunner(env=self.environment)
        return runner.invoke(verdicts, ["digest", *arguments])

    def reads(self, *arguments: str) -> Any:
        return json.loads(self.runs(*arguments, "--json").output)

    def is_told(self, *arguments: str) -> str:
        error = self.runs(*arguments).exception
        assert isinstance(error, Exception)
        return describe(error)


@pytest.fixture
def operator(projected: Engine, migrated: str) -> Operator:
    return Operator(projected, migrated)


def test_the_list_names_every_digest(operator: Operator) -> None:
    summary = "SmolVLM 2.5 is new. 1 new tool and 1 more vote so far."
    assert operator.reads("list") == [{"week": "2026-W47", "frozen": False, "summary": summary}]
    assert operator.runs("list").output.startswith("2026-W47  running  SmolVLM 2.5 is new.")


def test_a_digest_is_rendered_in_each_format(operator: Operator) -> None:
    assert operator.runs("render", "2026-W47", "--format", "html").output.startswith("<!doctype")
    text = operator.runs("render", "2026-W47", "--format", "text").output
    assert f"  https://verdicts.example/tools/{TOOL}/\n" in text
    assert operator.runs("render", "2026-W47").output == text
    message = message_from_bytes(
        operator.runs("render", "2026-W47", "--format", "eml").stdout_bytes
    )
    assert message["Subject"] == "Week 47: SmolVLM 2.5 is new"


def test_a_week_without_a_digest_is_one_sentence(operator: Operator) -> None:
    assert operator.is_told("render", "2026-W01") == (
        "There is no digest of '2026-W01'; `verdicts digest list` shows all."
    )


def test_a_week_that_is_none_or_not_over_is_not_frozen(operator: Operator) -> None:
    assert "has no week '2025-W53'" in operator.is_told("freeze", "2025-W53")
    assert "has not ended yet" in operator.is_told("freeze", "9998-W01")
