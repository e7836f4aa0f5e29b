"""Pages that answer one request and are never stored, except `404.html` for other web servers."""

from collections.abc import Iterable

from publishers.content.site_content import SiteContent
from publishers.pages.html.layout import render_page
from publishers.templating.environment import Meta, page
from publishers.views.lists.bookmarks import bookmarks_page
from publishers.views.search.search import Hits, results
from schemas.records import Tool
from schemas.text.isolation import isolate


def render_not_found(public_url: str, *, demo: bool = False) -> bytes:
    """The page for an unknown address."""
    meta = Meta("Page not found", "Page not found.", "", demo=demo)
    return page("404.html", public_url, meta)


def render_not_allowed(public_url: str) -> bytes:
    """The page for a method other than GET and HEAD."""
    meta = Meta("Method not allowed", "This page can only be read.", "")
    return page("405.html", public_url, meta)


def render_unavailable(public_url: str) -> bytes:
    """The page for a failure of the site itself."""
    return page(
        "trouble.html", public_url, Meta("Temporarily unavailable", "Please try again.", "")
    )


def render_retired(content: SiteContent, public_url: str, retired: list[Tool]) -> bytes:
    """The page in place of these retired tools, or of a comparison with them."""
    names = " and ".join(isolate(tool.name) for tool in retired)
    verb = "is" if len(retired) == 1 else "are"
    meta = Meta(f"{names} {verb} no longer listed", "This page has been retired.", "")
    return render_page(content, "410.html", public_url, meta, retired)


def render_search(content: SiteContent, public_url: str, hits: Hits) -> bytes:
    """What a search found."""
    content.read_ahead(hits.named)
    view = results(hits, content)
    title = f"Search: {view.query}" if view.query else "Search"
    meta = Meta(title, "Search AI tools and comparisons.", "")
    return render_page(content, "search.html", public_url, meta, view)


def render_bookmarks(content: SiteContent, public_url: str, saved: Iterable[Tool]) -> bytes:
    """One visitor's bookmarks."""
    meta = Meta("Bookmarks", "Tools saved for this browser.", "")
    return render_page(content, "bookmarks.html", public_url, meta, bookmarks_page(saved))
