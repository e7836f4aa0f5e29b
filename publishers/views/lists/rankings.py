"""The rankings of a category, each by one rule that its page states."""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from publishers.views.paths import category_path
from publishers.views.text.formatting import count, day, instant, mean, percent
from publishers.views.tools.cards import Card, card
from schemas.records import Category, Tool

NEEDED_VOTES = 10
"""Votes that a tool needs before the community's rankings hold it."""

NEEDED_REVIEWS = 2
"""Reviews that a tool needs before the panel's ranking holds it."""

LONGEST = 10
CONFIDENCE = 1.959963984540054
"""Standard deviations of a normal distribution on both sides of 95 in 100 outcomes."""


class RankedTool(NamedTuple):
    """A tool in a ranking: its place, which it shares with its equals, and the figure for it."""

    number: int
    card: Card
    figure: str
    detail: str
    instant: str


class Ranking(NamedTuple):
    """One ranking: its rule, its places, and who is not ranked yet."""

    slug: str
    title: str
    rule: str
    places: list[RankedTool]
    unranked: list[Card]


class RankingsPage(NamedTuple):
    """All rankings of a category."""

    name: str
    path: str
    tools: int
    rankings: list[Ranking]


def wilson(ship: int, votes: int) -> float:
    """The lower bound of Wilson's 95 % interval for the share of ship among all who might vote.

    Few votes say little, so 9 of 10 rank below 85 of 100. Zero without votes.
    """
    if not votes:
        return 0.0
    share, z = ship / votes, CONFIDENCE
    centre = share + z * z / (2 * votes)
    margin = z * sqrt(share * (1 - share) / votes + z * z / (4 * votes * votes))
    return max(0.0, (centre - margin) / (1 + z * z / votes))


def rankings(category: Category, tools: list[Tool]) -> RankingsPage:
    """Every ranking of the tools of a category."""
    made = [_community(tools), _panel(tools), _split(tools), _bookmarked(tools), _newest(tools)]
    return RankingsPage(category.name, category_path(category.category), len(tools), made)


def _community(tools: list[Tool]) -> Ranking:
    rule = (
        "By the share of ship among votes, counted with care: the lower bound of Wilson's 95 % "
        f"interval, so that many votes weigh more than a few lucky ones. From {NEEDED_VOTES} "
        "votes on."
    )
    return _ranking("community", "What the community ships", rule, tools, _bound, _votes, _voted)


def _panel(tools: list[Tool]) -> Ranking:
    rule = f"By the mean of the panel's scores. From {NEEDED_REVIEWS} reviews on."
    return _ranking(
        "panel", "What the panel rates highest", rule, tools, _mean, _reviews, _reviewed
    )


def _split(tools: list[Tool]) -> Ranking:
    rule = (
        "By how close the community's votes come to half ship, half skip; of equals the one with "
        f"more votes first. From {NEEDED_VOTES} votes on."
    )
    return _ranking("split", "Most split", rule, tools, _evenness, _sides, _voted)


def _bookmarked(tools: list[Tool]) -> Ranking:
    rule = "By the number of readers who keep it. From one bookmark on."
    return _ranking("bookmarked", "Most bookmarked", rule, tools, _kept, _keepers, _is_kept)


def _newest(tools: list[Tool]) -> Ranking:
    rule = "By the day on which it was first listed."
    return _ranking("newest", "Newest", rule, tools, _age, _listed, lambda _: True)


Key = Callable[[Tool], tuple[float, float]]
Said = Callable[[Tool], tuple[str, str, str]]


def _ranking(
    slug: str,
    title: str,
    rule: str,
    tools: list[Tool],
    key: Key,
    said: Said,
    ranked: Callable[[Tool], bool],
) -> Ranking:
    """Order by the greatest key; equals share a place and stand by slug."""
    held = sorted(filter(ranked, tools), key=lambda tool: tool.tool)
    held.sort(key=key, reverse=True)
    keys = [key(tool) for tool in held]
    places = [
        RankedTool(keys.index(key(tool)) + 1, card(tool), *said(tool)) for tool in held[:LONGEST]
    ]
    left = sorted((tool for tool in tools if not ranked(tool)), key=lambda tool: tool.tool)
    return Ranking(slug, title, rule, places, [card(tool) for tool in left])


def _voted(tool: Tool) -> bool:
    return tool.community.votes >= NEEDED_VOTES


def _reviewed(tool: Tool) -> bool:
    return len(tool.panel.reviews) >= NEEDED_REVIEWS


def _is_kept(tool: Tool) -> bool:
    return tool.bookmarks > 0


def _bound(tool: Tool) -> tuple[float, float]:
    return wilson(tool.community.ship, tool.community.votes), tool.community.votes


def _mean(tool: Tool) -> tuple[float, float]:
    return tool.panel.mean or 0.0, len(tool.panel.reviews)


def _evenness(tool: Tool) -> tuple[float, float]:
    community = tool.community
    return -abs(community.ship - community.skip) / community.votes, community.votes


def _kept(tool: Tool) -> tuple[float, float]:
    return tool.bookmarks, 0


def _age(tool: Tool) -> tuple[float, float]:
    return tool.listed.timestamp(), 0


def _votes(tool: Tool) -> tuple[str, str, str]:
    bound = 100 * wilson(tool.community.ship, tool.community.votes)
    share = f"{percent(tool.community.percent)} of {count(tool.community.votes, 'vote')}"
    return f"{bound:.1f}", f"{share} say ship", ""


def _reviews(tool: Tool) -> tuple[str, str, str]:
    return mean(tool.panel.mean), f"mean of {count(len(tool.panel.reviews), 'review')}", ""


def _sides(tool: Tool) -> tuple[str, str, str]:
    community = tool.community
    return f"{percent(community.percent)}", f"{community.ship} ship / {community.skip} skip", ""


def _keepers(tool: Tool) -> tuple[str, str, str]:
    return f"{tool.bookmarks:,}", "bookmark" if tool.bookmarks == 1 else "bookmarks", ""


def _listed(tool: Tool) -> tuple[str, str, str]:
    return day(tool.listed), "", instant(tool.listed)
