"""Answers are as the OpenAPI document says, for valid and invalid requests made from it."""

from collections.abc import Iterator

import pytest

from tests.e2e.system import System
from tests.harness.openapi.fuzzing import run_schemathesis

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def open_system() -> Iterator[System]:
    """A system that takes any number of new voters."""
    system = System(VERDICTS_NEW_VOTERS_PER_HOUR="1000000", VERDICTS_VOTER_CHANGES_PER_MINUTE="0")
    try:
        system.start()
        yield system
    finally:
        system.remove()


# Every combination of an event's fields would take minutes: `make faults` has them.
@pytest.mark.parametrize(
    ("paths", "phases"),
    [("^/v1/events$", "examples,fuzzing"), ("^(?!/v1/events$)", "examples,coverage,fuzzing")],
    ids=["events", "others"],
)
def test_every_answer_is_as_described(open_system: System, paths: str, phases: str) -> None:
    token = (open_system.data / "admin.token").read_text().strip()
    report = run_schemathesis(
        open_system.url, token, seed=1, examples=10, phases=phases, paths=paths
    )
    assert "No issues found" in report
    assert open_system.is_ready()
