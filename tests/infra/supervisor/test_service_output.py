import json
from typing import Any

from infra.supervisor.service_output import to_warning


def line(**entry: Any) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def test_only_warnings_and_errors_are_shown() -> None:
    assert to_warning(line(level="info", event="fine")) == ""
    assert to_warning(b"Traceback (most recent call last):\n") == ""
    shown = line(level="error", event="broker gone", topic="votes", logger="x", timestamp="t")
    assert to_warning(shown) == "broker gone topic=votes"
