"""A tool as cards, rows and choices show it."""

from typing import NamedTuple

from markupsafe import Markup

from publishers.render_cache import part_cache
from publishers.views.paths import category_path, tool_path
from publishers.views.text.formatting import (
    ENTRIES,
    VERDICTS,
    community_line,
    initial,
    mean,
    panel_line,
    percent,
)
from publishers.views.text.markdown import to_html
from schemas.records import Tool, Verdict
from schemas.text.web_address import is_web_address


class Card(NamedTuple):
    """One tool, ready to be shown; every text is plain except `description`, which is HTML."""

    slug: str
    path: str
    name: str
    initial: str
    category: str
    category_path: str
    tagline: str
    verdict: Verdict
    verdict_label: str
    panel_line: str
    panel_percent: str
    panel_mean: str
    reviews: int
    community_line: str
    community_percent: str
    ship: int
    skip: int
    votes: int
    bookmarks: int
    entry: str
    pricing: str
    best_for: str
    description: Markup
    url: str | None


@part_cache.by_record
def card(tool: Tool) -> Card:
    """Prepare a tool for any page."""
    return Card(
        slug=tool.tool,
        path=tool_path(tool.tool),
        name=tool.name,
        initial=initial(tool.name),
        category=tool.category.name,
        category_path=category_path(tool.category.slug),
        tagline=tool.tagline,
        verdict=tool.panel.verdict,
        verdict_label=VERDICTS[tool.panel.verdict],
        panel_line=panel_line(tool.panel),
        panel_percent=percent(tool.panel.percent, "—"),
        panel_mean=mean(tool.panel.mean),
        reviews=tool.panel.ship + tool.panel.skip,
        community_line=community_line(tool.community),
        community_percent=percent(tool.community.percent),
        ship=tool.community.ship,
        skip=tool.community.skip,
        votes=tool.community.votes,
        bookmarks=tool.bookmarks,
        entry=ENTRIES[tool.entry],
        pricing=tool.pricing,
        best_for=tool.best_for,
        description=to_html(tool.description),
        url=tool.url if tool.url and is_web_address(tool.url) else None,
    )


def ranking_key(tool: Tool) -> tuple[float, float, int, str]:
    """Sort key of lists: best panel mean first, then community share, votes, slug."""
    share = tool.community.percent
    return (
        -(tool.panel.mean if tool.panel.mean is not None else -1.0),
        -(share if share is not None else -1),
        -tool.community.votes,
        tool.tool,
    )
