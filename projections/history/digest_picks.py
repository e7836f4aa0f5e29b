"""Pick the reviews of a week to read: changed sides, outliers, first reviews."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from projections.history.digest_inputs import ListedTool, PanelBeforeAfter, Revision, tool_fields
from schemas import digests
from schemas.digests import Pick, Reason
from schemas.records import Choice, mean_of
from schemas.time.instants import to_datetime


class _Candidate(NamedTuple):
    """A review to pick for a reason; the least `rank` is the best."""

    rank: tuple[Any, ...]
    revision: Revision
    before: Choice | None = None
    others: float | None = None


def pick_reviews(tools: Mapping[str, ListedTool], panels: PanelBeforeAfter) -> list[Pick]:
    """Pick the best few reviews for each reason, no tool twice."""
    current = [
        revision
        for revision in panels.of_week
        if panels.after.get(revision.tool, {}).get(revision.reviewer) is revision
    ]
    finders: Sequence[tuple[Reason, Callable[[Revision, PanelBeforeAfter], _Candidate | None]]] = (
        ("changed", _changed_sides),
        ("apart", _is_outlier),
        ("first", _is_first),
    )
    picks: dict[str, Pick] = {}
    for reason, finder in finders:
        candidates = [candidate for revision in current if (candidate := finder(revision, panels))]
        candidates.sort(key=lambda each: (*each.rank, each.revision.tool, each.revision.reviewer))
        unpicked = _first_of_each_tool(
            each for each in candidates if each.revision.tool not in picks
        )
        for candidate in unpicked[: digests.MOST_PICKS_A_REASON]:
            tool = candidate.revision.tool
            picks[tool] = _to_pick(tools[tool], reason, candidate)
    return list(picks.values())


def _first_of_each_tool(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    first: dict[str, _Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.revision.tool, candidate)
    return list(first.values())


def _changed_sides(review: Revision, panels: PanelBeforeAfter) -> _Candidate | None:
    """The reviewer's verdict was the opposite before the week; the largest leap is the best."""
    former = panels.before.get(review.tool, {}).get(review.reviewer)
    if former is None or former.verdict == review.verdict:
        return None
    leap = abs((review.score or 0) - (former.score or 0))
    return _Candidate((-leap,), review, before=former.verdict)


def _is_outlier(review: Revision, panels: PanelBeforeAfter) -> _Candidate | None:
    """The score is far from the mean of the others; the farthest is the best."""
    others = [
        other.score or 0
        for reviewer, other in panels.after[review.tool].items()
        if reviewer != review.reviewer
    ]
    if len(others) < digests.APART_OTHERS:
        return None
    distance = abs(Fraction(sum(others), len(others)) - (review.score or 0))
    if distance < digests.APART_POINTS:
        return None
    return _Candidate((-distance,), review, others=mean_of(others))


def _is_first(review: Revision, panels: PanelBeforeAfter) -> _Candidate | None:
    """The review is the first of its tool; the earliest is the best."""
    return _Candidate((review.time,), review) if panels.first[review.tool] is review else None


def _to_pick(tool: ListedTool, reason: Reason, candidate: _Candidate) -> Pick:
    review = candidate.revision
    assert review.score is not None
    assert review.verdict is not None
    return Pick(
        **tool_fields(tool),
        reason=reason,
        reviewer=review.reviewer,
        reviewer_name=review.reviewer_name,
        score=review.score,
        verdict=review.verdict,
        body=review.body,
        time=to_datetime(review.time),
        before=candidate.before,
        others=candidate.others,
    )
