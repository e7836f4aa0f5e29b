"""Renders the HTML pages from site content; `publishers.pages.catalogue` decides when.

Every function gives the bytes, or None when there is no such page now.
"""

from collections.abc import Sequence

from publishers.content.site_content import SiteContent
from publishers.templating.environment import Meta, page
from publishers.views.comparisons.comparison import comparison
from publishers.views.comparisons.multi_comparison import multi_comparison
from publishers.views.digests.digest import digest_list, digest_page
from publishers.views.json_ld import Crumb, breadcrumb, on_comparison, on_reviewer, on_tool
from publishers.views.lists.category import category_page
from publishers.views.lists.home import home, members
from publishers.views.lists.rankings import rankings
from publishers.views.lists.reviewer import newest_first, reviewer_page
from publishers.views.paths import (
    category_path,
    comparison_path,
    digest_path,
    digests_path,
    feed_path,
    multi_comparison_path,
    rankings_path,
    reviewer_path,
    tool_path,
)
from publishers.views.text.formatting import count
from publishers.views.text.markdown import to_plain
from publishers.views.tools.tool import tool_page
from schemas.records import Tool


def home_page(library: SiteContent, public_url: str) -> bytes:
    """The front page."""
    view = home(library.tools(), library.categories(), library.reviewers())
    description = (
        "Two AI tools side by side: what a panel of reviewers and the community of those who use "
        "them would ship, and why."
    )
    return _page(
        library,
        "home.html",
        public_url,
        Meta("Which AI tool should you ship?", description, "/"),
        view,
    )


def about(library: SiteContent, public_url: str) -> bytes:
    """How verdicts arise."""
    meta = Meta(
        "How verdicts arise", "What is counted here, by whom, and what it means.", "/about/"
    )
    return page("about.html", public_url, meta, members(library.reviewers()))


def not_found(_: SiteContent, public_url: str) -> bytes:
    """The page for an address that nothing has."""
    return page("404.html", public_url, Meta("Not found", "There is no such page.", ""))


def tool(library: SiteContent, public_url: str, slug: str) -> bytes | None:
    """One tool."""
    found = on_site(library, slug)
    if found is None:
        return None
    path = tool_path(slug)
    shelf = library.tools_in(found.category.slug)
    kin = [
        (other, words)
        for it, words in library.similar_tools().of(found)
        if (other := library.tool(it))
    ]
    view = tool_page(found, shelf, library.reviewers(), library.history(slug), kin)
    description = f"{found.tagline} {view.summary}"
    meta = Meta(
        f"{found.name}: ship or skip?",
        description,
        path,
        "article",
        feed=feed_path(path),
        twins=True,
        graph=on_tool(found),
    )
    return _page(library, "tool.html", public_url, meta, view)


def two_tools(library: SiteContent, public_url: str, one: str, other: str) -> bytes | None:
    """The comparison of any two tools on the site, whether of one category or not."""
    shown = both_on_site(library, one, other)
    if shown is None:
        return None
    view = comparison(*shown, library.reviewers())
    path = comparison_path(one, other)
    meta = Meta(
        view.title,
        str(view.answer),
        path,
        "article",
        # Across categories nothing is stored, so there are no twins either.
        twins=len({tool.category.slug for tool in shown}) == 1,
        graph=on_comparison(view.title, path, shown),
    )
    return _page(library, "comparison.html", public_url, meta, view)


def several_tools(library: SiteContent, public_url: str, slugs: Sequence[str]) -> bytes | None:
    """Three or four tools of any categories side by side; never stored, so without twins."""
    found = [on_site(library, slug) for slug in sorted(set(slugs))]
    shown = [tool for tool in found if tool is not None]
    if len(shown) != len(slugs):
        return None
    view = multi_comparison(shown, library.reviewers())
    path = multi_comparison_path(slugs)
    graph = on_comparison(view.title, path, shown)
    meta = Meta(view.title, str(view.answer), path, "article", graph=graph)
    return _page(library, "lineup.html", public_url, meta, view)


def stored_comparison(library: SiteContent, public_url: str, one: str, other: str) -> bytes | None:
    """The comparison of two tools of one category."""
    # Across categories there are too many pairs to store, so those are made when asked for.
    return (
        two_tools(library, public_url, one, other)
        if in_same_category(library, one, other)
        else None
    )


def category(library: SiteContent, public_url: str, slug: str) -> bytes | None:
    """One category."""
    found = library.category(slug)
    if found is None:
        return None
    path, tools = category_path(slug), library.tools_in(slug)
    description = f"{count(len(tools), 'tool')} compared. {to_plain(found.description)}"
    meta = Meta(
        f"{found.name}: which to ship?",
        description,
        path,
        feed=feed_path(path),
        graph=[breadcrumb(Crumb("Categories", "/#categories"), Crumb(found.name, path))],
    )
    return _page(library, "category.html", public_url, meta, category_page(found, tools))


def category_rankings(library: SiteContent, public_url: str, slug: str) -> bytes | None:
    """The rankings of one category."""
    found = library.category(slug)
    if found is None:
        return None
    path = rankings_path(slug)
    shelf, title = Crumb(found.name, category_path(slug)), f"{found.name}: rankings"
    meta = Meta(
        title,
        f"{found.name} ranked by the community, by the panel, by dissent, by bookmarks and by age.",
        path,
        feed=feed_path(category_path(slug)),
        graph=[breadcrumb(shelf, Crumb("Rankings", path))],
    )
    return _page(
        library, "rankings.html", public_url, meta, rankings(found, library.tools_in(slug))
    )


def reviewer(library: SiteContent, public_url: str, slug: str) -> bytes | None:
    """One reviewer."""
    found = library.reviewer(slug)
    if found is None:
        return None
    authored = newest_first(library.reviews_by(slug))
    view = reviewer_page(found, authored)
    description = f"{found.motto} {count(len(view.entries), 'review')} of AI tools."
    meta = Meta(
        f"Reviews by {found.name}",
        description,
        reviewer_path(slug),
        "profile",
        graph=on_reviewer(found, authored),
    )
    return _page(library, "reviewer.html", public_url, meta, view)


def digests(library: SiteContent, public_url: str) -> bytes:
    """The list of all digests."""
    path = digests_path()
    meta = Meta(
        "Weekly digests",
        "What changed week by week: verdicts that turned, close calls, new tools.",
        path,
        feed=feed_path(path),
        graph=[breadcrumb(Crumb("Verdicts", "/"), Crumb("Digests", path))],
    )
    return _page(library, "digests.html", public_url, meta, digest_list(library.digests()))


def digest(library: SiteContent, public_url: str, week: str) -> bytes | None:
    """One week's digest."""
    found = library.digest(week)
    if found is None:
        return None
    view = digest_page(found, [one.week for one in library.digests()])
    meta = Meta(
        f"Digest of {view.title.lower()}",
        f"{view.dates}: {view.summary}",
        view.path,
        "article",
        feed=feed_path(digests_path()),
        graph=[breadcrumb(Crumb("Digests", digests_path()), Crumb(view.title, view.path))],
    )
    return _page(library, "digest.html", public_url, meta, view)


def on_site(library: SiteContent, slug: str) -> Tool | None:
    """The tool, unless it is unknown or retired."""
    found = library.tool(slug)
    return found if found is not None and found.retired is None else None


def both_on_site(library: SiteContent, one: str, other: str) -> tuple[Tool, Tool] | None:
    """Two different tools by slug; None when either is not on the site."""
    first, second = (on_site(library, slug) for slug in sorted((one, other)))
    return (first, second) if first and second and one != other else None


def in_same_category(library: SiteContent, one: str, other: str) -> bool:
    """Whether these are the slugs, in order, of a pair whose comparison is stored."""
    shelves = {found.category.slug for slug in (one, other) if (found := library.tool(slug))}
    return one < other and len(shelves) == 1


def _page(library: SiteContent, template: str, public_url: str, meta: Meta, view: object) -> bytes:
    """A page that leads to the newest digest, where there is one."""
    newest = library.newest_digest()
    path = digest_path(newest) if newest else ""
    return page(template, public_url, meta._replace(digest=path), view)
