"""Every client of librdkafka comes from one module."""

import re
from pathlib import Path

import infra

ROOT = Path(infra.__file__).parents[1]


def test_only_one_module_configures_clients() -> None:
    rooms = ("infra", "projections", "publishers", "schemas", "streams")
    names = {
        str(path.relative_to(ROOT))
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if re.search(r'"bootstrap\.servers"', path.read_text())
    }
    assert names == {"infra/kafka/client.py"}
