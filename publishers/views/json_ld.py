"""A page's facts as linked data (schema.org), and nothing that the page does not show."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup

from publishers.render_cache import part_cache
from publishers.views.facts.fact_texts import stated
from publishers.views.paths import category_path, reviewer_path, tool_path
from publishers.views.text.formatting import instant
from publishers.views.text.markdown import to_plain
from schemas.facts.values import FactDefinition, Money
from schemas.records import Authored, Review, Reviewer, Tool
from schemas.text.isolation import drop_controls
from schemas.text.web_address import is_web_address

_WHOLE_TEXT = 100_000
"""Longer than any text, so no body is cut."""


class Crumb(NamedTuple):
    """One step of a breadcrumb."""

    name: str
    path: str


def script(site: str, nodes: Sequence[dict[str, Any]]) -> Markup:
    """A graph as the content of a script element; no text in it can close the element."""
    graph = {"@context": "https://schema.org", "@graph": nodes}
    text = str(drop_controls(msgspec.json.encode(graph).decode()))
    # Paths become addresses. A text cannot match, since its quotes are escaped.
    for key in ("@id", "item", "url"):
        text = text.replace(f'"{key}":"/', f'"{key}":"{site}/')
    for unsafe in "<>&\u2028\u2029":
        text = text.replace(unsafe, f"\\u{ord(unsafe):04x}")
    return Markup(text)  # noqa: S704 (the characters of HTML are escaped above)


def breadcrumb(*crumbs: Crumb) -> dict[str, Any]:
    """The path to a page, itself included."""
    steps = [
        {"@type": "ListItem", "position": position, "name": crumb.name, "item": crumb.path}
        for position, crumb in enumerate(crumbs, 1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": steps}


@part_cache.by_record
def application_in_brief(tool: Tool, definitions: Sequence[FactDefinition] = ()) -> dict[str, Any]:
    """A tool with its reviews, as in a comparison."""
    return application(tool, definitions, in_full=False)


def application(
    tool: Tool, definitions: Iterable[FactDefinition] = (), *, in_full: bool
) -> dict[str, Any]:
    """A tool with its reviews; `in_full` as on its own page, else as in a comparison.

    Args:
        tool: The tool.
        definitions: The facts that its category names.
        in_full: With the texts of the reviews.
    """
    node: dict[str, Any] = {
        "@type": "SoftwareApplication",
        "@id": f"{tool_path(tool.tool)}#software",
        "name": tool.name,
        "url": tool_path(tool.tool),
        "description": tool.tagline,
        "applicationCategory": tool.category.name,
    }
    if in_full and tool.url and is_web_address(tool.url):
        node["sameAs"] = tool.url
    if offers := [
        _offer(definition.label, fact.value)
        for definition, fact in stated(tool, definitions)
        if isinstance(fact.value, Money)
    ]:
        node["offers"] = offers
    reviews = list(map(review_in_full if in_full else review_node, tool.panel.reviews))
    return {**node, "review": reviews} if reviews else node


def _offer(label: str, money: Money) -> dict[str, Any]:
    """A price that the page states."""
    price = {"price": money.amount, "priceCurrency": money.currency}
    offer: dict[str, Any] = {"@type": "Offer", "name": label, **price}
    if money.per:
        unit = {"@type": "UnitPriceSpecification", **price, "unitText": money.per}
        offer["priceSpecification"] = unit
    return offer


@part_cache.by_record
def review_node(review: Review) -> dict[str, Any]:
    """A review without its text and its tool."""
    return {
        "@type": "Review",
        "author": person(review.reviewer, review.name),
        "datePublished": instant(review.time),
        "reviewRating": {
            "@type": "Rating",
            "ratingValue": review.score,
            "bestRating": 100,
            "worstRating": 0,
        },
    }


@part_cache.by_record
def review_in_full(review: Review) -> dict[str, Any]:
    """A review with its text."""
    return {**review_node(review), "reviewBody": to_plain(review.body, _WHOLE_TEXT)}


def person(slug: str, name: str) -> dict[str, Any]:
    """A reviewer by name."""
    return {"@type": "Person", "name": name, "url": reviewer_path(slug)}


def tool_graph(
    tool: Tool, modified: str, definitions: Iterable[FactDefinition] = ()
) -> list[dict[str, Any]]:
    """The graph of a tool's page, which was last modified at this time."""
    path = tool_path(tool.tool)
    crumbs = breadcrumb(
        Crumb(tool.category.name, category_path(tool.category.slug)), Crumb(tool.name, path)
    )
    return [crumbs, application(tool, definitions, in_full=True), _web_page(path, modified)]


def comparison_graph(
    title: str,
    path: str,
    tools: Iterable[Tool],
    modified: str,
    definitions: Mapping[str, Sequence[FactDefinition]],
) -> list[dict[str, Any]]:
    """The graph of a comparison, which was last modified at this time."""
    crumbs = breadcrumb(Crumb("Compare", "/#choose"), Crumb(title, path))
    nodes = [
        application_in_brief(tool, tuple(definitions.get(tool.category.slug, ()))) for tool in tools
    ]
    return [crumbs, *nodes, _web_page(path, modified)]


def _web_page(path: str, modified: str) -> dict[str, Any]:
    return {"@type": "WebPage", "@id": path, "dateModified": modified}


def reviewer_graph(reviewer: Reviewer, authored: Iterable[Authored]) -> list[dict[str, Any]]:
    """The graph of a reviewer's page."""
    path = reviewer_path(reviewer.reviewer)
    crumbs = breadcrumb(Crumb("The panel", "/about/"), Crumb(reviewer.name, path))
    return [crumbs, *map(_with_tool, authored)]


def _with_tool(authored: Authored) -> dict[str, Any]:
    path = tool_path(authored.tool)
    tool = {"@type": "SoftwareApplication", "name": authored.tool_name, "url": path}
    return {**review_node(authored.review), "itemReviewed": tool}
