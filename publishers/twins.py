"""The machine twins of a page: the same data as JSON and as Markdown, beside its `index.html`."""

from typing import Any, NamedTuple

import msgspec

from publishers.templating import Meta, page
from publishers.views.cards import Card, card
from publishers.views.comparison import Comparison, comparison
from publishers.views.paths import comparison_path, tool_path
from publishers.views.tool import summary
from schemas.records import Review, Reviewer, Tool

JSON, MARKDOWN = "index.json", "index.md"
"""Names of the twins in the folder of their page."""


class _ToolTwin(NamedTuple):
    card: Card
    summary: str
    description: str
    reviews: list[Review]


class _ComparisonTwin(NamedTuple):
    path: str
    page: Comparison
    tools: list[Tool]
    lines: list[list[tuple[str, Review]]]


def of_tool(tool: Tool, name: str, public_url: str) -> bytes:
    """The twin of this name of a tool's page."""
    path = tool_path(tool.tool)
    if name == JSON:
        return _json({"page": public_url + path, "summary": summary(tool), **_facts(tool)})
    view = _ToolTwin(card(tool), summary(tool), tool.description, tool.panel.reviews)
    return page("tool.md", public_url, Meta(tool.name, "", path), view)


def of_comparison(
    one: Tool, other: Tool, panel: list[Reviewer], name: str, public_url: str
) -> bytes:
    """The twin of this name of two tools' comparison."""
    tools = sorted((one, other), key=lambda tool: tool.tool)
    path = comparison_path(one.tool, other.tool)
    found = comparison(one, other, panel)
    if name == JSON:
        return _json(
            {
                "page": public_url + path,
                "compare": "-vs-".join(tool.tool for tool in tools),
                "title": found.title,
                "answer": {"leader": found.answer.leader, "text": str(found.answer)},
                "tools": [_facts(tool) for tool in tools],
            }
        )
    view = _ComparisonTwin(path, found, tools, _lines(tools, panel))
    return page("comparison.md", public_url, Meta(found.title, "", path), view)


def _facts(tool: Tool) -> dict[str, Any]:
    """The record without its version, which would change bytes that show no change."""
    facts: dict[str, Any] = msgspec.to_builtins(tool)
    del facts["version"]
    return facts


def _json(value: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _lines(tools: list[Tool], panel: list[Reviewer]) -> list[list[tuple[str, Review]]]:
    """Reviews by reviewer, in the order of the panel."""
    ordered = sorted(panel, key=lambda member: (member.position, member.reviewer))
    lines = [
        [
            (tool.name, review)
            for tool in tools
            for review in tool.panel.reviews
            if review.reviewer == member.reviewer
        ]
        for member in ordered
    ]
    return [line for line in lines if line]
