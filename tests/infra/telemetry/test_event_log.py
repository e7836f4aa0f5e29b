import io
import json
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from infra.kafka.delivery import Delivery
from infra.telemetry import event_log
from infra.telemetry.logging import configure

PLACE = Delivery("verdicts.votes.v1", 3, 17)
# No hook asks a database unless traces are taken.
NOWHERE = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("infra", "projections", "publishers", "streams"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def walk() -> None:
    """An event's way through all stages."""
    assert event_log.accepted("e-1", PLACE) == PLACE
    event_log.applied(("verdicts.votes.v1", 3), ["e-1", "e-2"])
    event_log.relayed(NOWHERE, [("tool", "x")], 0.1)
    event_log.built(NOWHERE, [("tool", "x")], 0.1)


def test_every_stage_names_the_event_or_the_keys_that_it_changed(logged: io.StringIO) -> None:
    configure("test", logged, level="debug")
    walk()
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["accepted", "applied", "relayed", "built"]
    assert (lines[0]["id"], lines[0]["offset"]) == ("e-1", 17)
    assert lines[1]["ids"] == ["e-1", "e-2"]
    assert lines[2]["keys"] == lines[3]["keys"] == ["tool:x"]


def test_at_the_usual_level_nothing_is_logged(logged: io.StringIO) -> None:
    configure("test", logged)
    walk()
    assert logged.getvalue() == ""


def test_libraries_log_no_more_at_debug(logged: io.StringIO) -> None:
    configure("test", logged, level="debug")
    logging.getLogger("some.library").debug("detail")
    assert logged.getvalue() == ""
