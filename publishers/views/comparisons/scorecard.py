"""The panel's reviews: listed on a tool's page, side by side in a comparison."""

from typing import NamedTuple

from markupsafe import Markup

from publishers.render_cache import part_cache
from publishers.views.paths import reviewer_path
from publishers.views.text.formatting import day, instant
from publishers.views.text.markdown import to_html
from schemas.records import Choice, Review, Reviewer, Tool


class Opinion(NamedTuple):
    """One review, ready to be shown; `body` is HTML, `markdown` its source.

    A review of a `former` member of the panel is shown and does not count.
    """

    reviewer: str
    name: str
    path: str
    score: int
    verdict: Choice
    score_line: str
    body: Markup
    markdown: str
    pros: tuple[str, ...]
    cons: tuple[str, ...]
    disclosure: str | None
    day: str
    instant: str
    former: bool


class ScorecardRow(NamedTuple):
    """One reviewer's opinions, one for each tool; None for a tool without their review."""

    name: str
    path: str
    motto: str
    opinions: list[Opinion | None]

    @property
    def alike(self) -> bool:
        """Whether all verdicts are the same; a missing review differs from any."""
        return len({each.verdict if each else None for each in self.opinions}) == 1


@part_cache.by_record
def opinion(review: Review) -> Opinion:
    """A review with its texts rendered; `88/100 · ship` is its score line."""
    return Opinion(
        reviewer=review.reviewer,
        name=review.name,
        path=reviewer_path(review.reviewer),
        score=review.score,
        verdict=review.verdict,
        score_line=f"{review.score}/100 · {review.verdict}",
        body=to_html(review.body),
        markdown=review.body,
        pros=tuple(review.pros),
        cons=tuple(review.cons),
        disclosure=review.disclosure,
        day=day(review.time),
        instant=instant(review.time),
        former=review.former,
    )


def scorecard(tools: list[Tool], panel: list[Reviewer]) -> list[ScorecardRow]:
    """One row for each reviewer of any of the tools, in the order of the panel."""
    by_reviewer = [{review.reviewer: review for review in tool.panel.reviews} for tool in tools]
    return [
        _row(member, [reviews.get(member.reviewer) for reviews in by_reviewer])
        for member in sorted(panel, key=lambda member: (member.position, member.reviewer))
        if any(member.reviewer in reviews for reviews in by_reviewer)
    ]


def _row(member: Reviewer, reviews: list[Review | None]) -> ScorecardRow:
    return ScorecardRow(
        name=member.name,
        path=reviewer_path(member.reviewer),
        motto=member.motto,
        opinions=[opinion(review) if review else None for review in reviews],
    )
