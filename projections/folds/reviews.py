"""The panel: every revision of every review is kept; which is current is asked when read."""

import hashlib
from collections.abc import Iterable
from typing import Any

from projections.folds.ordering import lww_stamp
from projections.folds.registers import RegisterWrite
from schemas.events import Event, ReviewRetracted, ReviewSubmitted


def review_submitted(event: Event) -> Iterable[RegisterWrite]:
    """A submission is a revision of what this reviewer says of this tool."""
    data = event.data
    assert isinstance(data, ReviewSubmitted)
    values = {
        "retracted": False,
        "score": data.score,
        "verdict": data.verdict,
        "body": data.body,
        "pros": data.pros,
        "cons": data.cons,
        "disclosure": data.disclosure,
    }
    yield _revision(event, data.tool, data.reviewer, values)


def review_retracted(event: Event) -> Iterable[RegisterWrite]:
    """A retraction is a revision too: one that says nothing any more."""
    data = event.data
    assert isinstance(data, ReviewRetracted)
    yield _revision(event, data.tool, data.reviewer, {"retracted": True, "body": data.reason})


def _revision(event: Event, tool: str, reviewer: str, values: dict[str, Any]) -> RegisterWrite:
    # A stamp holds the whole review, too long for an index; its digest names the revision.
    order = lww_stamp(event)
    name = hashlib.sha256(order).hexdigest()
    return RegisterWrite("revisions", (tool, reviewer, name), order, {"time": event.time, **values})
