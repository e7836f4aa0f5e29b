"""The long run of requests made from the OpenAPI document; `tests/e2e` has a short one."""

import random
from collections.abc import Iterator

import pytest

from tests.e2e.system import System, open_to_all
from tests.harness.openapi.fuzzing import run_schemathesis

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]


@pytest.fixture
def open_system() -> Iterator[System]:
    with open_to_all() as system:
        yield system


def test_every_answer_is_as_described_for_every_combination_of_fields(
    open_system: System, chances: random.Random
) -> None:
    token = (open_system.data / "admin.token").read_text().strip()
    report = run_schemathesis(
        open_system.url,
        token,
        seed=chances.randrange(2**32),
        examples=100,
        phases="examples,coverage,fuzzing",
        paths="^/",
    )
    assert "No issues found" in report
