"""Files for machines: alternates, sitemap, overview, search index; see `atom_feeds` for the feeds.

Every function returns the bytes of a file, or None if there is no such file now.
"""

from collections.abc import Sequence

from publishers.content.site_content import SiteContent
from publishers.pages import alternates, sitemap
from publishers.pages.html.layout import render_page
from publishers.pages.html.tools import is_pair_of_category, pair_on_site
from publishers.pages.sitemap import SitemapEntry
from publishers.templating.environment import Meta, page
from publishers.views.lists.home import category_sections
from publishers.views.search.search import stored_suggestions
from publishers.views.text.formatting import instant

MAX_IN_OVERVIEW = 1_000
"""Tools that the overview names; where there are more, it names some of each category."""


def render_tool_alternate(
    content: SiteContent, public_url: str, slug: str, name: str
) -> bytes | None:
    """One tool as JSON or Markdown, by the alternate's file name."""
    tool = content.tool_on_site(slug)
    return alternates.render_tool(content, tool, name, public_url) if tool else None


def render_pair_alternate(
    content: SiteContent, public_url: str, one: str, other: str, name: str
) -> bytes | None:
    """A stored comparison as JSON or Markdown, by the alternate's file name."""
    tools = pair_on_site(content, one, other) if is_pair_of_category(content, one, other) else None
    if tools is None:
        return None
    return alternates.render_pair(content, *tools, name, public_url)


def render_sitemap(content: SiteContent, public_url: str) -> bytes:
    """All pages for people, with the time of their last change; an index where they are many."""
    files = sitemap.files(content)
    if len(files) == 1:
        return _render_sitemap("sitemap.xml", public_url, files[0])
    newest = [max((at for _, at in file if at), default=None) for file in files]
    paths = sitemap.part_paths(sum(map(len, files)))
    parts = list(zip(paths, newest, strict=True))
    return _render_sitemap("sitemap_index.xml", public_url, parts)


def render_sitemap_part(content: SiteContent, public_url: str, number: str) -> bytes | None:
    """One of the files that the index names."""
    files = sitemap.files(content)
    if not 1 <= int(number) <= len(files) or len(files) == 1:
        return None
    return _render_sitemap("sitemap.xml", public_url, files[int(number) - 1])


def _render_sitemap(template: str, public_url: str, entries: Sequence[SitemapEntry]) -> bytes:
    view = [(path, instant(at) if at else "") for path, at in entries]
    return page(template, public_url, Meta("", "", "/sitemap.xml"), view)


def render_robots(_: SiteContent, public_url: str) -> bytes:
    """The rules for crawlers."""
    return page("robots.txt", public_url, Meta("", "", "/robots.txt"))


def render_overview(content: SiteContent, public_url: str) -> bytes:
    """The overview for language models, with links to the Markdown alternates."""
    tools, categories = content.tools(), content.categories()
    most = None if len(tools) <= MAX_IN_OVERVIEW else max(1, MAX_IN_OVERVIEW // len(categories))
    view = category_sections(tools, categories, most)[:MAX_IN_OVERVIEW]
    return render_page(content, "llms.txt", public_url, Meta("", "", "/llms.txt"), view)


def render_search_index(content: SiteContent, _: str) -> bytes:
    """The data of the search suggestions in `site.js`."""
    return stored_suggestions(content.tools())
