"""The front page: choose two tools, or find a comparison worth reading."""

from collections import Counter, defaultdict
from typing import NamedTuple

from publishers.views.comparisons.leader_and_reason import MIN_VOTES
from publishers.views.comparisons.pairs import Pair, pair
from publishers.views.paths import category_path, reviewer_path
from publishers.views.text.formatting import VERDICTS, percent
from publishers.views.tools.cards import Card, card, ranking_key
from schemas.records import Category, Reviewer, Tool, Verdict

WORTH_READING = 6
DISAGREEMENTS = 4
MAX_CATEGORIES = 12
"""The categories with the most tools; the list of categories has all."""
MAX_IN_CATEGORY = 6
MAX_CHOICES = 100
"""Tools up to which the form offers each; with more, a search takes its place."""


class CategorySection(NamedTuple):
    """A category with its highest-rated tools, and the number of all."""

    slug: str
    name: str
    path: str
    description: str
    cards: list[Card]
    tools: int


class Disagreement(NamedTuple):
    """A tool on which the verdicts of panel and community are opposite."""

    card: Card
    community: Verdict
    community_label: str


class SiteTotals(NamedTuple):
    """Counts over all tools."""

    tools: int
    reviews: int
    votes: int
    panel_verdicts: str
    panel_percent: str
    community_percent: str
    disagreements: list[Disagreement]


class Member(NamedTuple):
    """A reviewer, linked to the page of their reviews."""

    name: str
    path: str
    motto: str


class HomePage(NamedTuple):
    """All that the front page shows; `choices` are all tools, if these are not too many."""

    choices: list[CategorySection]
    categories: list[CategorySection]
    more_categories: int
    worth_reading: list[Pair]
    totals: SiteTotals
    panel: list[Member]


def home(tools: list[Tool], categories: list[Category], reviewers: list[Reviewer]) -> HomePage:
    """The front page."""
    sections = category_sections(tools, categories)
    largest = sorted(sections, key=lambda section: -section.tools)[:MAX_CATEGORIES]
    shown = {section.slug for section in largest}
    return HomePage(
        choices=sections if len(tools) <= MAX_CHOICES else [],
        categories=[
            section._replace(cards=section.cards[:MAX_IN_CATEGORY])
            for section in sections
            if section.slug in shown
        ],
        more_categories=len(sections) - len(largest),
        worth_reading=worth_reading(tools),
        totals=site_totals(tools),
        panel=members(reviewers),
    )


def category_sections(
    tools: list[Tool], categories: list[Category], most: int | None = None
) -> list[CategorySection]:
    """The categories that hold tools, by name, each with at most so many tools."""
    by_category: dict[str, list[Tool]] = defaultdict(list)
    for tool in tools:
        by_category[tool.category.slug].append(tool)
    filled = [category for category in categories if category.category in by_category]
    return [
        category_section(category, by_category[category.category], most)
        for category in sorted(filled, key=lambda each: (each.name.casefold(), each.category))
    ]


def category_section(
    category: Category, tools: list[Tool], most: int | None = None
) -> CategorySection:
    """One category with its highest-rated tools."""
    return CategorySection(
        slug=category.category,
        name=category.name,
        path=category_path(category.category),
        description=category.description,
        cards=[card(tool) for tool in sorted(tools, key=ranking_key)[:most]],
        tools=len(tools),
    )


def worth_reading(tools: list[Tool]) -> list[Pair]:
    """The two tools with the most reviews and votes in each category; the largest sums first."""
    by_category: dict[str, list[Tool]] = {}
    for tool in sorted(tools, key=lambda tool: (-_opinions(tool), tool.tool)):
        by_category.setdefault(tool.category.slug, []).append(tool)
    pairs = [(inside[0], inside[1]) for inside in by_category.values() if len(inside) > 1]
    pairs.sort(key=lambda two: (-sum(map(_opinions, two)), two[0].tool))
    return [pair(*two) for two in pairs[:WORTH_READING]]


def site_totals(tools: list[Tool]) -> SiteTotals:
    """Counts over all tools, and the tools on which panel and community disagree most."""
    reviews = sum(len(tool.panel.reviews) for tool in tools)
    votes = sum(tool.community.votes for tool in tools)
    return SiteTotals(
        tools=len(tools),
        reviews=reviews,
        votes=votes,
        panel_verdicts=panel_verdicts(tools),
        panel_percent=_share(sum(tool.panel.ship for tool in tools), reviews),
        community_percent=_share(sum(tool.community.ship for tool in tools), votes),
        disagreements=disagreements(tools),
    )


def panel_verdicts(tools: list[Tool]) -> str:
    """`18 Ship, 4 Skip, 3 Split`."""
    numbers = Counter(tool.panel.verdict for tool in tools)
    labels = {**VERDICTS, "none": "without a verdict"}
    return ", ".join(f"{numbers[each]:,} {labels[each]}" for each in labels if numbers[each])


def disagreements(tools: list[Tool]) -> list[Disagreement]:
    """Tools that panel and community judge oppositely, widest difference of shares first."""
    opposed = [
        tool
        for tool in tools
        if {tool.panel.verdict, tool.community.verdict} == {"ship", "skip"}
        and tool.community.votes >= MIN_VOTES
    ]
    opposed.sort(key=lambda tool: (-_difference(tool), tool.tool))
    return [
        Disagreement(card(tool), tool.community.verdict, VERDICTS[tool.community.verdict])
        for tool in opposed[:DISAGREEMENTS]
    ]


def members(reviewers: list[Reviewer]) -> list[Member]:
    """The panel in scorecard order."""
    ordered = sorted(reviewers, key=lambda reviewer: (reviewer.position, reviewer.reviewer))
    return [Member(each.name, reviewer_path(each.reviewer), each.motto) for each in ordered]


def _opinions(tool: Tool) -> int:
    return len(tool.panel.reviews) + tool.community.votes


def _difference(tool: Tool) -> int:
    return abs((tool.panel.percent or 0) - (tool.community.percent or 0))


def _share(part: int, whole: int) -> str:
    return percent((200 * part + whole) // (2 * whole) if whole else None, "—")
