"""The front page: choose two tools, or find a comparison worth reading."""

from typing import NamedTuple

from publishers.views.comparisons.answer import ENOUGH
from publishers.views.comparisons.pairs import Pair, pair
from publishers.views.paths import category_path, reviewer_path
from publishers.views.text.formatting import VERDICTS, percent
from publishers.views.tools.cards import Card, card, ranking_key
from schemas.records import Category, Reviewer, Tool, Verdict

WORTH_READING = 6
DISAGREEMENTS = 4


class CategorySection(NamedTuple):
    """A category with its tools, best panel mean first."""

    slug: str
    name: str
    path: str
    description: str
    cards: list[Card]


class Disagreement(NamedTuple):
    """A tool on which panel and community say different things."""

    card: Card
    community: Verdict
    community_label: str


class SiteTotals(NamedTuple):
    """How panel and community stand over all tools."""

    tools: int
    reviews: int
    votes: int
    panel: dict[Verdict, int]
    panel_percent: str
    community_percent: str
    disagreements: list[Disagreement]


class Member(NamedTuple):
    """A reviewer with the page that lists their reviews."""

    name: str
    path: str
    motto: str


class HomePage(NamedTuple):
    """All that the front page shows."""

    shelves: list[CategorySection]
    worth_reading: list[Pair]
    standing: SiteTotals
    panel: list[Member]


def home(tools: list[Tool], categories: list[Category], reviewers: list[Reviewer]) -> HomePage:
    """The front page over every tool on the site."""
    return HomePage(
        shelves=category_sections(tools, categories),
        worth_reading=worth_reading(tools),
        standing=site_totals(tools),
        panel=members(reviewers),
    )


def category_sections(tools: list[Tool], categories: list[Category]) -> list[CategorySection]:
    """The categories that hold tools, by name."""
    filled = [category_section(category, tools) for category in categories]
    return sorted(
        (one for one in filled if one.cards), key=lambda one: (one.name.casefold(), one.slug)
    )


def category_section(category: Category, tools: list[Tool]) -> CategorySection:
    """One category with those of the tools that belong to it."""
    held = [tool for tool in tools if tool.category.slug == category.category]
    return CategorySection(
        slug=category.category,
        name=category.name,
        path=category_path(category.category),
        description=category.description,
        cards=[card(tool) for tool in sorted(held, key=ranking_key)],
    )


def worth_reading(tools: list[Tool]) -> list[Pair]:
    """The two most discussed tools of each category, the most discussed pairs first."""
    shelved: dict[str, list[Tool]] = {}
    for tool in sorted(tools, key=_most_discussed):
        shelved.setdefault(tool.category.slug, []).append(tool)
    tops = [(held[0], held[1]) for held in shelved.values() if len(held) > 1]
    tops.sort(key=lambda top: (-sum(map(_voices, top)), top[0].tool))
    return [pair(*top) for top in tops[:WORTH_READING]]


def site_totals(tools: list[Tool]) -> SiteTotals:
    """Counts over all tools, and the tools on which panel and community disagree most."""
    panel: dict[Verdict, int] = dict.fromkeys(VERDICTS, 0)
    for tool in tools:
        panel[tool.panel.verdict] += 1
    reviews = sum(len(tool.panel.reviews) for tool in tools)
    votes = sum(tool.community.votes for tool in tools)
    return SiteTotals(
        tools=len(tools),
        reviews=reviews,
        votes=votes,
        panel=panel,
        panel_percent=_share(sum(tool.panel.ship for tool in tools), reviews),
        community_percent=_share(sum(tool.community.ship for tool in tools), votes),
        disagreements=disagreements(tools),
    )


def disagreements(tools: list[Tool]) -> list[Disagreement]:
    """Tools that one side ships and the other skips, widest apart first."""
    opposed = [
        tool
        for tool in tools
        if {tool.panel.verdict, tool.community.verdict} == {"ship", "skip"}
        and tool.community.votes >= ENOUGH
    ]
    opposed.sort(key=lambda tool: (-_apart(tool), tool.tool))
    return [
        Disagreement(card(tool), tool.community.verdict, VERDICTS[tool.community.verdict])
        for tool in opposed[:DISAGREEMENTS]
    ]


def members(reviewers: list[Reviewer]) -> list[Member]:
    """The panel in its order."""
    ordered = sorted(reviewers, key=lambda reviewer: (reviewer.position, reviewer.reviewer))
    return [Member(one.name, reviewer_path(one.reviewer), one.motto) for one in ordered]


def _voices(tool: Tool) -> int:
    return len(tool.panel.reviews) + tool.community.votes


def _most_discussed(tool: Tool) -> tuple[int, str]:
    return (-_voices(tool), tool.tool)


def _apart(tool: Tool) -> int:
    return abs((tool.panel.percent or 0) - (tool.community.percent or 0))


def _share(part: int, whole: int) -> str:
    return percent((200 * part + whole) // (2 * whole) if whole else None, "—")
