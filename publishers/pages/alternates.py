"""The alternates of a page: its data as JSON and as Markdown, in the folder of its `index.html`."""

from typing import Any, NamedTuple

import msgspec

from publishers.content.site_content import SiteContent
from publishers.pages.html.layout import render_page
from publishers.render_cache import part_cache
from publishers.templating.environment import Meta
from publishers.views.comparisons.comparison import ComparisonPage, comparison, title
from publishers.views.comparisons.leader_and_reason import compare_tools
from publishers.views.comparisons.scorecard import Opinion, opinion
from publishers.views.facts.fact_texts import FactText, fact_texts
from publishers.views.paths import comparison_path, tool_path
from publishers.views.text.formatting import DEMO_NOTICE
from publishers.views.tools.cards import Card, card
from publishers.views.tools.tool import summary
from schemas.records import Tool

JSON, MARKDOWN = "index.json", "index.md"
"""File names of the alternates."""


class _ToolMarkdown(NamedTuple):
    card: Card
    summary: str
    description: str
    opinions: list[Opinion]
    facts: list[FactText]


class _ComparisonMarkdown(NamedTuple):
    path: str
    page: ComparisonPage
    tools: list[Tool]


def render_tool(content: SiteContent, tool: Tool, name: str, public_url: str) -> bytes:
    """A tool's alternate with this file name."""
    path = tool_path(tool.tool)
    if name == JSON:
        head = {"page": public_url + path, **_notice(content), "summary": summary(tool)}
        return _json({**head, **_facts(tool)})
    opinions = [opinion(review) for review in tool.panel.reviews]
    facts = fact_texts(tool, content.facts_of([tool]).get(tool.category.slug, ()))
    view = _ToolMarkdown(card(tool), summary(tool), tool.description, opinions, facts)
    return render_page(content, "tool.md", public_url, Meta(tool.name, "", path), view)


def render_pair(content: SiteContent, one: Tool, other: Tool, name: str, public_url: str) -> bytes:
    """A comparison's alternate with this file name."""
    one, other = sorted((one, other), key=lambda tool: tool.tool)
    path = comparison_path(one.tool, other.tool)
    if name == JSON:
        head = {"page": public_url + path, **_notice(content)}
        return _json({**head, **_comparison(one, other)})
    view = _ComparisonMarkdown(
        path,
        comparison(one, other, content.reviewers(), (), content.facts_of([one, other])),
        [one, other],
    )
    meta = Meta(view.page.title, "", path)
    return render_page(content, "comparison.md", public_url, meta, view)


def _notice(content: SiteContent) -> dict[str, Any]:
    """What the page says of demo content; nothing on other sites."""
    return {"notice": DEMO_NOTICE} if content.is_demo() else {}


def _comparison(one: Tool, other: Tool) -> dict[str, Any]:
    verdict = compare_tools(one, other)
    return {
        "compare": f"{one.tool}-vs-{other.tool}",
        "title": title(one, other),
        "answer": {"leader": verdict.leader, "text": str(verdict)},
        "tools": [_facts(one), _facts(other)],
    }


@part_cache.by_record
def _facts(tool: Tool) -> dict[str, Any]:
    """The record without its version, which changes even if nothing shown changes."""
    facts: dict[str, Any] = msgspec.to_builtins(tool)
    del facts["version"]
    return facts


def _json(value: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
