"""What a page says, once more as linked data (schema.org), and nothing that it does not show."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup

from publishers.views.memoize import memoize_by_identity
from publishers.views.paths import category_path, reviewer_path, tool_path
from publishers.views.text.formatting import instant
from publishers.views.text.markdown import to_plain
from schemas.records import Authored, Review, Reviewer, Tool

_WHOLE = 100_000
"""Longer than any text, so that a body is not cut short."""


class Crumb(NamedTuple):
    """One step of a breadcrumb."""

    name: str
    path: str


def script(site: str, nodes: Sequence[dict[str, Any]]) -> Markup:
    """A graph as the content of a script element, which no text in it can end."""
    graph = {"@context": "https://schema.org", "@graph": nodes}
    text = msgspec.json.encode(graph).decode()
    # Paths become addresses. No text is mistaken for one, since its quotes are escaped.
    for key in ("@id", "item", "url"):
        text = text.replace(f'"{key}":"/', f'"{key}":"{site}/')
    for unsafe in "<>&\u2028\u2029":
        text = text.replace(unsafe, f"\\u{ord(unsafe):04x}")
    return Markup(text)  # noqa: S704 (what HTML could read is escaped above)


def breadcrumb(*crumbs: Crumb) -> dict[str, Any]:
    """The way to a page, itself included."""
    steps = [
        {"@type": "ListItem", "position": position, "name": crumb.name, "item": crumb.path}
        for position, crumb in enumerate(crumbs, 1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": steps}


@memoize_by_identity
def in_brief(tool: Tool) -> dict[str, Any]:
    """A tool with its reviews, as in a comparison."""
    return application(tool, in_full=False)


def application(tool: Tool, *, in_full: bool) -> dict[str, Any]:
    """A tool with its reviews; `in_full` as on its own page, else as in a comparison."""
    named = {
        "@type": "SoftwareApplication",
        "@id": f"{tool_path(tool.tool)}#software",
        "name": tool.name,
        "url": tool_path(tool.tool),
        "description": tool.tagline,
        "applicationCategory": tool.category.name,
    }
    if in_full and tool.url:
        named["sameAs"] = tool.url
    reviews = list(map(review_in_full if in_full else review, tool.panel.reviews))
    return {**named, "review": reviews} if reviews else named


@memoize_by_identity
def review(one: Review) -> dict[str, Any]:
    """A review without its text and the thing that it reviews."""
    return {
        "@type": "Review",
        "author": person(one.reviewer, one.name),
        "datePublished": instant(one.time),
        "reviewRating": {
            "@type": "Rating",
            "ratingValue": one.score,
            "bestRating": 100,
            "worstRating": 0,
        },
    }


@memoize_by_identity
def review_in_full(one: Review) -> dict[str, Any]:
    """A review with its text."""
    return {**review(one), "reviewBody": to_plain(one.body, _WHOLE)}


def person(slug: str, name: str) -> dict[str, Any]:
    """A reviewer by name."""
    return {"@type": "Person", "name": name, "url": reviewer_path(slug)}


def on_tool(tool: Tool) -> list[dict[str, Any]]:
    """What a tool's page says."""
    shelf = Crumb(tool.category.name, category_path(tool.category.slug))
    way = breadcrumb(shelf, Crumb(tool.name, tool_path(tool.tool)))
    return [way, application(tool, in_full=True)]


def on_comparison(title: str, path: str, tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """What a comparison says."""
    way = breadcrumb(Crumb("Compare", "/#choose"), Crumb(title, path))
    return [way, *map(in_brief, tools)]


def on_reviewer(reviewer: Reviewer, authored: Iterable[Authored]) -> list[dict[str, Any]]:
    """What a reviewer's page says."""
    path = reviewer_path(reviewer.reviewer)
    way = breadcrumb(Crumb("The panel", "/about/"), Crumb(reviewer.name, path))
    return [way, *(_about(one) for one in authored)]


def _about(one: Authored) -> dict[str, Any]:
    path = tool_path(one.tool)
    item = {"@type": "SoftwareApplication", "name": one.tool_name, "url": path}
    return {**review(one.review), "itemReviewed": item}
