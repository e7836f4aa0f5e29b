"""Paths of pages; no other module spells them."""

from collections.abc import Iterable


def tool_path(tool: str) -> str:
    """The page of one tool."""
    return f"/tools/{tool}/"


def comparison_path(one: str, other: str) -> str:
    """The page of a pair; both orders give the canonical path (slugs in byte order)."""
    first, second = sorted((one, other))  # slugs are ASCII, so this is byte order
    return f"/compare/{first}-vs-{second}/"


def category_path(category: str) -> str:
    """The page of one category."""
    return f"/categories/{category}/"


def reviewer_path(reviewer: str) -> str:
    """The page of one reviewer."""
    return f"/reviewers/{reviewer}/"


def rankings_path(category: str) -> str:
    """The rankings of one category."""
    return f"/categories/{category}/rankings/"


def feed_path(page: str) -> str:
    """The feed of a page."""
    return f"{page}feed.xml"


def multi_comparison_path(tools: Iterable[str]) -> str:
    """The page of several tools side by side, each once, in byte order."""
    return f"/compare/{'-vs-'.join(sorted(set(tools)))}/"


def tools_path() -> str:
    """The list of all tools."""
    return "/tools/"


def categories_path() -> str:
    """The list of all categories with their rankings."""
    return "/categories/"


def reviewers_path() -> str:
    """The list of all reviewers."""
    return "/reviewers/"


def digests_path() -> str:
    """The list of all digests."""
    return "/digests/"


def digest_path(week: str) -> str:
    """The page of one week's digest."""
    return f"/digests/{week}/"
