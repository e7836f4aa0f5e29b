import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from infra.telemetry.logging import configure


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    configure("worker", stream)
    yield stream
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def test_an_event_is_one_line_of_json_that_names_its_service(lines: io.StringIO) -> None:
    structlog.get_logger("a.module").warning("lag grows", topic="votes", records=7)
    line = json.loads(lines.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "lag grows",
        "level": "warning",
        "logger": "a.module",
        "service": "worker",
        "topic": "votes",
        "records": 7,
    }


def test_a_librarys_log_takes_the_same_way(lines: io.StringIO) -> None:
    logging.getLogger("library").error("gone: %s", "it", extra={"broker": 1})
    line = json.loads(lines.getvalue())
    assert (line["event"], line["level"], line["service"]) == ("gone: it", "error", "worker")
    assert line["broker"] == 1


def test_an_exception_stays_on_its_line(lines: io.StringIO) -> None:
    try:
        raise ValueError("no")
    except ValueError:
        structlog.get_logger("m").exception("failed")
    assert lines.getvalue().count("\n") == 1
    assert "ValueError: no" in json.loads(lines.getvalue())["exception"]
