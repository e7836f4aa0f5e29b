"""Series exist before their first event."""

import subprocess
import sys
from pathlib import Path

from infra.telemetry.metrics import REGISTRY
from streams.api.ingest.metrics import received

ROOT = Path(__file__).parents[4]

# In a fresh process: other tests may have counted in this one.
CODE = """
from infra.telemetry.metrics import REGISTRY
from schemas.events import EVENT_TYPES
from streams.api.ingest import metrics

for kind in EVENT_TYPES:
    for outcome in ("accepted", "rejected", "unknown"):
        labels = {"type": kind, "outcome": outcome}
        assert REGISTRY.get_sample_value("verdicts_events_received_total", labels) == 0, labels
"""


def test_every_event_type_is_counted_from_zero_with_every_outcome() -> None:
    """A series that begins with its first burst shows no increase."""
    subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, check=True)


def test_an_unreadable_event_has_no_type() -> None:
    labels = {"type": "", "outcome": "rejected"}
    before = REGISTRY.get_sample_value("verdicts_events_received_total", labels) or 0
    received("", "rejected").inc(2)
    assert REGISTRY.get_sample_value("verdicts_events_received_total", labels) == before + 2
