"""The alternates of a page: its data as JSON and as Markdown, in the folder of its `index.html`."""

from typing import Any, NamedTuple

import msgspec

from publishers.render_cache import part_cache
from publishers.templating.environment import Meta, page
from publishers.views.comparisons.answer import answer
from publishers.views.comparisons.comparison import ComparisonPage, comparison, title
from publishers.views.comparisons.scorecard import Opinion, opinion
from publishers.views.paths import comparison_path, tool_path
from publishers.views.tools.cards import Card, card
from publishers.views.tools.tool import summary
from schemas.records import Reviewer, Tool

JSON, MARKDOWN = "index.json", "index.md"
"""File names of the alternates."""


class _ToolMarkdown(NamedTuple):
    card: Card
    summary: str
    description: str
    opinions: list[Opinion]


class _ComparisonMarkdown(NamedTuple):
    path: str
    page: ComparisonPage
    tools: list[Tool]


def render_tool(tool: Tool, name: str, public_url: str) -> bytes:
    """A tool's alternate with this file name."""
    path = tool_path(tool.tool)
    if name == JSON:
        return _json({"page": public_url + path, "summary": summary(tool), **_facts(tool)})
    opinions = [opinion(review) for review in tool.panel.reviews]
    view = _ToolMarkdown(card(tool), summary(tool), tool.description, opinions)
    return page("tool.md", public_url, Meta(tool.name, "", path), view)


def render_pair(one: Tool, other: Tool, panel: list[Reviewer], name: str, public_url: str) -> bytes:
    """A comparison's alternate with this file name."""
    one, other = sorted((one, other), key=lambda tool: tool.tool)
    path = comparison_path(one.tool, other.tool)
    if name == JSON:
        return _json(_comparison(public_url + path, one, other))
    view = _ComparisonMarkdown(path, comparison(one, other, panel), [one, other])
    return page("comparison.md", public_url, Meta(view.page.title, "", path), view)


def _comparison(address: str, one: Tool, other: Tool) -> dict[str, Any]:
    verdict = answer(one, other)
    return {
        "page": address,
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
