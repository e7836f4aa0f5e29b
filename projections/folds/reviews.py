"""Reviews: every revision of every review; a query picks the current one."""

import hashlib
from collections.abc import Iterable
from typing import Any

from projections.folds.ordering import lww_stamp
from projections.folds.registers import RegisterWrite
from schemas.events import Event, ReviewRetracted, ReviewSubmitted


def review_submitted(event: Event[ReviewSubmitted]) -> Iterable[RegisterWrite]:
    """Add a revision of a reviewer's review of a tool."""
    review = event.data
    values = {
        "retracted": False,
        "score": review.score,
        "verdict": review.verdict,
        "body": review.body,
        "pros": review.pros,
        "cons": review.cons,
        "disclosure": review.disclosure,
    }
    yield _revision(event, values)


def review_retracted(event: Event[ReviewRetracted]) -> Iterable[RegisterWrite]:
    """Add a revision that retracts the review and holds the reason as its body."""
    yield _revision(event, {"retracted": True, "body": event.data.reason})


def _revision(
    event: Event[ReviewSubmitted | ReviewRetracted], values: dict[str, Any]
) -> RegisterWrite:
    # A stamp holds the whole review, too long for an index, so its hash names the revision.
    stamp = lww_stamp(event)
    key = event.data.tool, event.data.reviewer, hashlib.sha256(stamp).hexdigest()
    return RegisterWrite("revisions", key, stamp, {"time": event.time, **values})
