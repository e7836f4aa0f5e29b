"""Addresses of pages; the one place that knows how they are spelled."""


def tool_path(tool: str) -> str:
    """The page of one tool."""
    return f"/tools/{tool}/"


def comparison_path(one: str, other: str) -> str:
    """The page of a pair; both orders give the same, canonical path (slugs in byte order)."""
    first, second = sorted((one, other))  # slugs are ASCII, so this is byte order
    return f"/compare/{first}-vs-{second}/"


def category_path(category: str) -> str:
    """The page of one category."""
    return f"/categories/{category}/"


def reviewer_path(reviewer: str) -> str:
    """The page of one reviewer."""
    return f"/reviewers/{reviewer}/"
