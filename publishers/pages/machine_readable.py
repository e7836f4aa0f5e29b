"""How what machines read is rendered from a library: twins, feeds, sitemap, overview, index.

Every function gives the bytes, or None when there is no such file now.
"""

from publishers.content.site_content import SiteContent
from publishers.pages import alternates, sitemap
from publishers.pages.html import both_on_site, in_same_category, on_site
from publishers.templating.environment import Meta, page
from publishers.views.feeds.atom import Feed, entries_of, feed
from publishers.views.feeds.digest_feed import digest_entry
from publishers.views.lists.home import home
from publishers.views.lists.search import index
from publishers.views.paths import category_path, digests_path, feed_path, tool_path
from publishers.views.text.formatting import instant


def tool_alternate(library: SiteContent, public_url: str, slug: str, name: str) -> bytes | None:
    """A machine twin of one tool."""
    found = on_site(library, slug)
    return alternates.of_tool(found, name, public_url) if found else None


def tool_feed(library: SiteContent, public_url: str, slug: str) -> bytes | None:
    """What is new of one tool."""
    found = on_site(library, slug)
    if found is None:
        return None
    path = tool_path(slug)
    view = feed(f"Verdicts: {found.name}", feed_path(path), path, entries_of([found]))
    return _feed(public_url, view)


def comparison_alternate(
    library: SiteContent, public_url: str, one: str, other: str, name: str
) -> bytes | None:
    """A machine twin of a stored comparison."""
    shown = both_on_site(library, one, other) if in_same_category(library, one, other) else None
    if shown is None:
        return None
    return alternates.of_comparison(*shown, library.reviewers(), name, public_url)


def category_feed(library: SiteContent, public_url: str, slug: str) -> bytes | None:
    """What is new in one category."""
    found = library.category(slug)
    if found is None:
        return None
    path = category_path(slug)
    left = [tool for tool in library.retired() if tool.category.slug == slug]
    entries = entries_of([*library.tools_in(slug), *left])
    return _feed(public_url, feed(f"Verdicts: {found.name}", feed_path(path), path, entries))


def everything_new(library: SiteContent, public_url: str) -> bytes:
    """The feed of the whole site."""
    frozen = [one for one in library.digests() if one.frozen]
    entries = [*entries_of([*library.tools(), *library.retired()]), *map(digest_entry, frozen)]
    return _feed(public_url, feed("Verdicts: everything new", "/feed.xml", "/", entries))


def site_map(library: SiteContent, public_url: str) -> bytes:
    """The pages for those who crawl them, with the moment of their last change."""
    places = [(path, instant(at) if at else "") for path, at in sitemap.entries(library)]
    return page("sitemap.xml", public_url, Meta("", "", "/sitemap.xml"), places)


def robots(_: SiteContent, public_url: str) -> bytes:
    """What those who crawl should leave alone."""
    return page("robots.txt", public_url, Meta("", "", "/robots.txt"))


def for_language_models(library: SiteContent, public_url: str) -> bytes:
    """An overview for language models, which may prefer the Markdown twins."""
    view = home(library.tools(), library.categories(), library.reviewers())
    return page("llms.txt", public_url, Meta("", "", "/llms.txt"), view)


def search_index(library: SiteContent, _: str) -> bytes:
    """What search as you type looks through."""
    return index(library.tools())


def digests_feed(library: SiteContent, public_url: str) -> bytes:
    """The feed of the settled digests alone."""
    entries = [digest_entry(one) for one in library.digests() if one.frozen]
    path = digests_path()
    return _feed(public_url, feed("Verdicts: weekly digests", feed_path(path), path, entries))


def _feed(public_url: str, view: Feed) -> bytes:
    return page("feed.xml", public_url, Meta("", "", ""), view)
