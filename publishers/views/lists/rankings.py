"""The rankings of a category; each states its rule."""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from publishers.views.paths import category_path
from publishers.views.text.formatting import count, counts, day, instant, mean, percent
from publishers.views.tools.cards import Card, card
from schemas.records import Category, Tool
from schemas.time.instants import from_datetime

MIN_VOTES = 10
"""Votes that a tool needs to be in the community's rankings."""

MIN_REVIEWS = 2
"""Reviews that a tool needs to be in the panel's ranking."""

SPLIT_SHARE = 10
"""Percentage points from half, up to which a tool's ship share counts as split."""

MAX_RANKED = 10
MAX_UNRANKED = 20
CONFIDENCE = 1.959963984540054
"""Standard deviations of a normal distribution around 95% of its outcomes."""


class RankedTool(NamedTuple):
    """A tool in a ranking; `rank` is shared by tools with equal keys, `figure` is what ranks it."""

    rank: int
    card: Card
    figure: str
    detail: str
    instant: str


class Ranking(NamedTuple):
    """One ranking: its rule, its tools in order, and the tools that are not ranked yet.

    `more` counts those of them that are not named.
    """

    slug: str
    title: str
    rule: str
    ranked: list[RankedTool]
    unranked: list[Card]
    more: int


class RankingsPage(NamedTuple):
    """All rankings of a category."""

    name: str
    path: str
    tools: int
    rankings: list[Ranking]


def wilson(ship: int, votes: int) -> float:
    """The lower bound of the 95% Wilson interval of the ship share, 0 to 1; 0 without votes.

    Few votes say little, so 9 of 10 rank below 85 of 100.
    """
    if not votes:
        return 0.0
    share, z = ship / votes, CONFIDENCE
    centre = share + z * z / (2 * votes)
    margin = z * sqrt(share * (1 - share) / votes + z * z / (4 * votes * votes))
    return max(0.0, (centre - margin) / (1 + z * z / votes))


def rankings(category: Category, tools: list[Tool]) -> RankingsPage:
    """Every ranking of the tools of a category."""
    by_rule = (_community, _panel, _split, _bookmarked, _newest)
    return RankingsPage(
        name=category.name,
        path=category_path(category.category),
        tools=len(tools),
        rankings=[rank(tools) for rank in by_rule],
    )


def _community(tools: list[Tool]) -> Ranking:
    rule = (
        "Lower bound of the 95% Wilson interval of the ship share, so a few lucky votes cannot "
        f"win; ties go to the tool with more votes. Minimum {MIN_VOTES} votes."
    )
    return _ranking(
        "community", "What the community ships", rule, tools, _by_bound, _votes, _has_votes
    )


def _panel(tools: list[Tool]) -> Ranking:
    rule = (
        "Average of the panel's scores; ties go to the tool with more reviews. "
        f"Minimum {MIN_REVIEWS} reviews."
    )
    return _ranking(
        "panel", "What the panel rates highest", rule, tools, _by_mean, _reviews, _has_reviews
    )


def _split(tools: list[Tool]) -> Ranking:
    rule = (
        "Closest to half ship, half skip; ties go to the tool with more votes. "
        f"Minimum {MIN_VOTES} votes, and a ship share of {50 - SPLIT_SHARE} to {50 + SPLIT_SHARE}%."
    )
    return _ranking("split", "Most split", rule, tools, _by_evenness, _sides, _is_split)


def _bookmarked(tools: list[Tool]) -> Ranking:
    rule = "By number of bookmarks."
    return _ranking(
        "bookmarked", "Most bookmarked", rule, tools, _by_bookmarks, _bookmarks, _has_bookmarks
    )


def _newest(tools: list[Tool]) -> Ranking:
    rule = "By the time of the first listing (UTC)."
    return _ranking("newest", "Newest", rule, tools, _by_listing, _listing, lambda _: True)


Key = Callable[[Tool], tuple[float, float]]
Figures = Callable[[Tool], tuple[str, str, str]]
"""A ranked tool's figure, detail and instant."""


def _ranking(
    slug: str,
    title: str,
    rule: str,
    tools: list[Tool],
    key: Key,
    figures: Figures,
    is_ranked: Callable[[Tool], bool],
) -> Ranking:
    """Rank by the greatest key; equal keys share a rank and are sorted by slug."""
    by_slug = sorted(tools, key=lambda tool: tool.tool)
    ordered = sorted(filter(is_ranked, by_slug), key=key, reverse=True)
    keys = [key(tool) for tool in ordered]
    ranked = [
        RankedTool(keys.index(key(tool)) + 1, card(tool), *figures(tool))
        for tool in ordered[:MAX_RANKED]
    ]
    unranked = [tool for tool in by_slug if not is_ranked(tool)]
    named = list(map(card, unranked[:MAX_UNRANKED]))
    return Ranking(slug, title, rule, ranked, named, len(unranked) - len(named))


def _has_votes(tool: Tool) -> bool:
    return tool.community.votes >= MIN_VOTES


def _is_split(tool: Tool) -> bool:
    """Enough votes, whose unrounded ship share is near half."""
    ship, votes = tool.community.ship, tool.community.votes
    return _has_votes(tool) and abs(100 * ship - 50 * votes) <= SPLIT_SHARE * votes


def _has_reviews(tool: Tool) -> bool:
    return (tool.panel.ship + tool.panel.skip) >= MIN_REVIEWS


def _has_bookmarks(tool: Tool) -> bool:
    return tool.bookmarks > 0


def _by_bound(tool: Tool) -> tuple[float, float]:
    # Rounded as shown, so that equal figures are ties.
    return _bound(tool), tool.community.votes


def _bound(tool: Tool) -> float:
    return round(100 * wilson(tool.community.ship, tool.community.votes), 1)


def _by_mean(tool: Tool) -> tuple[float, float]:
    return tool.panel.mean or 0.0, (tool.panel.ship + tool.panel.skip)


def _by_evenness(tool: Tool) -> tuple[float, float]:
    community = tool.community
    return -abs(community.ship - community.skip) / community.votes, community.votes


def _by_bookmarks(tool: Tool) -> tuple[float, float]:
    return tool.bookmarks, 0


def _by_listing(tool: Tool) -> tuple[float, float]:
    return from_datetime(tool.listed), 0  # a float would drop microseconds of the far past


def _votes(tool: Tool) -> tuple[str, str, str]:
    share = f"{percent(tool.community.percent)} of {count(tool.community.votes, 'vote')}"
    return f"{_bound(tool):.1f}", f"{share} say Ship", ""


def _reviews(tool: Tool) -> tuple[str, str, str]:
    return (
        mean(tool.panel.mean),
        f"average of {count((tool.panel.ship + tool.panel.skip), 'review')}",
        "",
    )


def _sides(tool: Tool) -> tuple[str, str, str]:
    community = tool.community
    share = 100 * community.ship / community.votes
    return f"{share:.1f}%", counts(community.ship, community.skip), ""


def _bookmarks(tool: Tool) -> tuple[str, str, str]:
    return f"{tool.bookmarks:,}", "bookmark" if tool.bookmarks == 1 else "bookmarks", ""


def _listing(tool: Tool) -> tuple[str, str, str]:
    return day(tool.listed), "", instant(tool.listed)
