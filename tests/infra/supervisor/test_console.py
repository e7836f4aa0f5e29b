import io
import re

import pytest
from rich.console import Console

from infra.supervisor.console import Screen


def test_a_screen_without_a_terminal_is_plain_text() -> None:
    file = io.StringIO()
    screen = Screen(Console(file=file, width=100, soft_wrap=True))
    with screen.step("Starting [Kafka]") as step:
        step.update("half")
        step.result = "Kafka on 127.0.0.1:1"
    screen.warn("[worker] ended")
    first, second = file.getvalue().splitlines()
    assert re.fullmatch(r"  . Kafka on 127\.0\.0\.1:1 +\d+\.\d s", first)
    assert second == "  ! [worker] ended"


def test_a_failing_step_writes_no_line_of_a_completed_one() -> None:
    file = io.StringIO()

    def fail() -> None:
        with Screen(Console(file=file)).step("Trying"):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert file.getvalue() == ""
