"""Where the pages of merged tools and removed categories are now."""

from publishers.content.site_content import SiteContent
from publishers.pages import catalogue
from publishers.views.paths import multi_comparison_path, tool_path


def find(content: SiteContent, path: str) -> str | None:
    """The path of the same page of the tool or category that a slug in this path became."""
    if slugs := catalogue.subject_slugs(path) or catalogue.compared_slugs(path):
        return _of_tools(content, path, slugs)
    category = catalogue.subject_category(path)
    if category and (into := content.moved_into(category)):
        return path.replace(f"/categories/{category}/", f"/categories/{into}/", 1)
    return None


def _of_tools(content: SiteContent, path: str, slugs: list[str]) -> str | None:
    tools = [_own_name(content, slug) for slug in slugs]
    if tools == slugs:
        return None
    remaining = list(dict.fromkeys(tools))
    page = tool_path(remaining[0]) if len(remaining) == 1 else multi_comparison_path(remaining)
    return page + path.rpartition("/")[2]


def _own_name(content: SiteContent, slug: str) -> str:
    into = None if content.tool(slug) else content.merged_into(slug)
    return into or slug
