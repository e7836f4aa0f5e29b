"""What commands show to a person: no Python literals, correct plurals, progress without a bar."""

import io

import pytest
from click import ClickException
from rich.console import Console

from infra.cli.commands.deadletters import rendering as dead_letters
from infra.cli.commands.projections.commands import rollback_target
from infra.cli.options import counted
from infra.cli.progress_bar import ProgressLines
from infra.kafka.reader import LogRecord
from infra.operations.event_query import rendering as events
from infra.operations.event_query.query import FoundEvent
from tests.harness.examples import a_listing


def test_a_line_of_an_event_leaves_out_what_is_not_given() -> None:
    record = LogRecord("verdicts.catalog.v1", 0, 7, 0, b"ant", b"")
    line = events.line(FoundEvent(record, a_listing("ant")))
    assert "tool=ant" in line
    assert "None" not in line
    assert "[]" not in line


@pytest.mark.parametrize(
    ("key", "text"), [(b"me3", "me3"), (None, "none"), (b"\xff\x00", "0xff00"), (b"a\n", "0x610a")]
)
def test_the_key_of_a_dead_letter_is_text_or_hexadecimal(key: bytes | None, text: str) -> None:
    assert dead_letters.readable(key) == text


def test_a_number_agrees_with_its_noun() -> None:
    assert [counted(number, "page") for number in (0, 1, 2)] == ["0 pages", "1 page", "2 pages"]


def test_progress_without_a_terminal_is_a_line_every_ten_seconds() -> None:
    output, times = io.StringIO(), iter((0.0, 5.0, 10.0, 10.0, 12.0))
    lines = ProgressLines("Applying events", Console(file=output), clock=lambda: next(times))
    for done in (10, 2_000, 3_000):
        lines.show(done, 9_000)
    assert output.getvalue() == "Applying events: 2,000 of 9,000\n"


def test_a_second_rollback_is_refused_with_a_sentence() -> None:
    assert rollback_target("projections_9", "projections_10") == "projections_9"
    with pytest.raises(ClickException, match="promote projections_10"):
        rollback_target("projections_10", "projections_9")
    with pytest.raises(ClickException, match="no previous generation"):
        rollback_target(None, "projections_1")
