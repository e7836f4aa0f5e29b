"""Which reviews of a week are worth reading: changed sides, standing apart, first words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from projections.history.digest_inputs import Listed, PanelBeforeAfter, Revision, named
from schemas import digests
from schemas.digests import Pick, Reason
from schemas.records import Choice, mean_of
from schemas.time.instants import to_datetime


class _Candidate(NamedTuple):
    """A review that may be picked; the least `rank` of a reason is the best."""

    rank: tuple[Any, ...]
    revision: Revision
    before: Choice | None = None
    others: float | None = None


def picks(tools: Mapping[str, Listed], panels: PanelBeforeAfter) -> list[Pick]:
    """The best few of each reason, no tool twice."""
    standing = [
        one for one in panels.of_week if panels.after.get(one.tool, {}).get(one.reviewer) is one
    ]
    finders: Sequence[tuple[Reason, Callable[[Revision, PanelBeforeAfter], _Candidate | None]]] = (
        ("changed", _changed_sides),
        ("apart", _stands_apart),
        ("first", _spoke_first),
    )
    found: dict[str, Pick] = {}
    for reason, finder in finders:
        candidates = [it for one in standing if (it := finder(one, panels))]
        candidates.sort(key=lambda it: (*it.rank, it.revision.tool, it.revision.reviewer))
        free = _once(it for it in candidates if it.revision.tool not in found)
        for candidate in free[: digests.MOST_PICKS_A_REASON]:
            tool = candidate.revision.tool
            found[tool] = _pick(tools[tool], reason, candidate)
    return list(found.values())


def _once(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    best: dict[str, _Candidate] = {}
    for candidate in candidates:
        best.setdefault(candidate.revision.tool, candidate)
    return list(best.values())


def _changed_sides(one: Revision, panels: PanelBeforeAfter) -> _Candidate | None:
    """Its reviewer said the opposite before the week; the largest leap is the best."""
    former = panels.before.get(one.tool, {}).get(one.reviewer)
    if former is None or former.verdict == one.verdict:
        return None
    leap = abs((one.score or 0) - (former.score or 0))
    return _Candidate((-leap,), one, before=former.verdict)


def _stands_apart(one: Revision, panels: PanelBeforeAfter) -> _Candidate | None:
    """Far from the mean of the others; the farthest is the best."""
    others = [
        other.score or 0
        for reviewer, other in panels.after[one.tool].items()
        if reviewer != one.reviewer
    ]
    if len(others) < digests.APART_OTHERS:
        return None
    distance = abs(Fraction(sum(others), len(others)) - (one.score or 0))
    if distance < digests.APART_POINTS:
        return None
    return _Candidate((-distance,), one, others=mean_of(others))


def _spoke_first(one: Revision, panels: PanelBeforeAfter) -> _Candidate | None:
    """The first review of its tool; the earliest is the best."""
    return _Candidate((one.time,), one) if panels.first[one.tool] is one else None


def _pick(tool: Listed, reason: Reason, candidate: _Candidate) -> Pick:
    one = candidate.revision
    assert one.score is not None
    assert one.verdict is not None
    return Pick(
        **named(tool),
        reason=reason,
        reviewer=one.reviewer,
        reviewer_name=one.reviewer_name,
        score=one.score,
        verdict=one.verdict,
        body=one.body,
        time=to_datetime(one.time),
        before=candidate.before,
        others=candidate.others,
    )
