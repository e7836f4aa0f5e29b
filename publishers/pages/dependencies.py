"""Which stored pages show a changed record."""

from collections.abc import Iterable

from publishers.content.site_content import SiteContent
from publishers.pages import sitemap
from publishers.pages.catalogue import (
    ABOUT,
    FEED,
    HOME,
    OVERVIEW,
    SEARCH_INDEX,
    SITEMAP,
    alternates_of,
)
from publishers.views.paths import (
    categories_path,
    category_path,
    comparison_path,
    digest_path,
    digests_path,
    feed_path,
    rankings_path,
    reviewer_path,
    reviewers_path,
    tool_path,
    tools_path,
)


def paths_about_tool(content: SiteContent, slug: str) -> list[str]:
    """The pages about this tool: its own and its comparisons, then the alternates of all.

    Most people ask for comparisons with the tools that have the most votes, so these come first.
    """
    pages = [tool_path(slug)]
    rivals = sorted(content.rivals(slug), key=lambda rival: (-_votes(content, rival), rival))
    pages += [comparison_path(slug, rival) for rival in rivals]
    return [*pages, *(path for page in pages for path in alternates_of(page))]


def paths_of_any_tool(content: SiteContent) -> list[str]:
    """The pages that may show something of any tool, whatever its category is."""
    return [
        *lists_of_tools(content),
        # Related tools depend on the texts of all tools.
        *(tool_path(tool.tool) for tool in content.tools()),
        *feeds_of_categories(content),
    ]


def lists_of_tools(content: SiteContent) -> list[str]:
    """The pages that list tools of all categories; no more of them where there are more tools."""
    return [
        *(HOME, tools_path(), categories_path(), reviewers_path()),
        # A retraction removes its reviewer from the tool, so every reviewer's page may change.
        *(reviewer_path(reviewer.reviewer) for reviewer in content.reviewers()),
        # Digests link to the tools that are not retired.
        *(digest_path(digest.week) for digest in content.digests()),
        *(FEED, SITEMAP, *sitemap.part_paths(sitemap.count(content)), OVERVIEW, SEARCH_INDEX),
    ]


def feeds_of_categories(content: SiteContent) -> list[str]:
    """The feeds of all categories, which the newest listing of any tool dates."""
    return [feed_path(category_path(each.category)) for each in content.categories()]


def paths_in_category(category: str) -> list[str]:
    """The pages that summarize the tools of a category."""
    path = category_path(category)
    return [path, rankings_path(category), feed_path(path)]


def summaries_of_tool(content: SiteContent, slug: str) -> list[str]:
    """The pages that count a tool's votes and bookmarks among those of others."""
    tool = content.tool(slug)
    if tool is None:
        return []
    category = tool.category.slug
    rivals = map(tool_path, content.rivals(slug))
    return [HOME, category_path(category), rankings_path(category), *rivals]


def paths_of_category(content: SiteContent, slug: str) -> list[str]:
    """Every page that shows something of this category."""
    about = _about_tools(content, (tool.tool for tool in content.tools_in(slug)))
    return [*paths_in_category(slug), *about, *paths_of_any_tool(content)]


def paths_of_reviewer(content: SiteContent, slug: str) -> list[str]:
    """Every page that shows something of this reviewer."""
    about = _about_tools(content, (authored.tool for authored in content.reviews_by(slug)))
    categories = (
        path for category in content.categories() for path in paths_in_category(category.category)
    )
    return [reviewer_path(slug), ABOUT, *about, *categories, *paths_of_any_tool(content)]


def paths_of_weeks(weeks: Iterable[str]) -> list[str]:
    """Every page that shows the digests of these weeks, except links to the newest digest."""
    return [*map(digest_path, weeks), digests_path(), feed_path(digests_path())]


def _votes(content: SiteContent, slug: str) -> int:
    tool = content.tool(slug)
    return tool.community.votes if tool else 0


def _about_tools(content: SiteContent, slugs: Iterable[str]) -> list[str]:
    paths = (path for slug in slugs for path in paths_about_tool(content, slug))
    return list(dict.fromkeys(paths))
