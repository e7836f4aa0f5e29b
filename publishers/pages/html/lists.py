"""Pages that list tools or reviews: home, about, categories, rankings, reviewers, digests."""

from publishers.content.site_content import SiteContent
from publishers.pages.digests import view_of_digest
from publishers.pages.html.layout import render_page, render_with_newsletter
from publishers.templating import theme
from publishers.templating.environment import Meta
from publishers.views.digests.digest import digest_list
from publishers.views.json_ld import Crumb, breadcrumb, reviewer_graph
from publishers.views.lists.category import category_page
from publishers.views.lists.home import home, members
from publishers.views.lists.indexes import category_index, reviewer_index, tool_index
from publishers.views.lists.paging import Query, list_page
from publishers.views.lists.rankings import rankings
from publishers.views.lists.reviewer import newest_first, reviewer_page
from publishers.views.paths import (
    categories_path,
    category_path,
    digests_path,
    feed_path,
    rankings_path,
    reviewer_path,
    reviewers_path,
    tools_path,
)
from publishers.views.text.formatting import count
from publishers.views.text.markdown import to_plain
from schemas.text.isolation import isolate


def render_home(content: SiteContent, public_url: str) -> bytes:
    """The front page."""
    view = home(content.tools(), content.categories(), content.reviewers())
    description = (
        "AI tools side by side: which one a panel of reviewers and the community would ship, "
        "and why."
    )
    meta = Meta("Which AI tool should you ship?", description, "/")
    return render_with_newsletter(content, "home.html", public_url, meta, view)


def render_about(content: SiteContent, public_url: str) -> bytes:
    """How verdicts work."""
    meta = Meta("How verdicts work", "What counts, who decides, and what it means.", "/about/")
    return render_page(content, "about.html", public_url, meta, members(content.reviewers()))


def render_category(
    content: SiteContent, public_url: str, slug: str, query: Query | None = None
) -> bytes | None:
    """One category, sorted and filtered as a query asks."""
    category = content.category(slug)
    if category is None:
        return None
    path, tools = category_path(slug), content.tools_in(slug)
    meta = Meta(
        f"{isolate(category.name)}: which to ship?",
        f"{count(len(tools), 'tool')} compared. {to_plain(category.description)}",
        path,
        feed=feed_path(path),
        graph=[breadcrumb(Crumb("Categories", categories_path()), Crumb(category.name, path))],
    )
    view = category_page(category, tools, query)
    return render_with_newsletter(content, "category.html", public_url, meta, view)


def render_rankings(content: SiteContent, public_url: str, slug: str) -> bytes | None:
    """The rankings of one category."""
    category = content.category(slug)
    if category is None:
        return None
    name, path = category.name, rankings_path(slug)
    meta = Meta(
        f"{isolate(name)}: rankings",
        f"{isolate(name)} ranked by community, panel, disagreement, bookmarks and listing date.",
        path,
        feed=feed_path(category_path(slug)),
        graph=[breadcrumb(Crumb(name, category_path(slug)), Crumb("Rankings", path))],
    )
    view = rankings(category, content.tools_in(slug))
    return render_with_newsletter(content, "rankings.html", public_url, meta, view)


def render_reviewer(
    content: SiteContent, public_url: str, slug: str, query: Query | None = None
) -> bytes | None:
    """One reviewer."""
    reviewer = content.reviewer(slug)
    if reviewer is None:
        return None
    reviews = newest_first(content.reviews_by(slug))
    view = reviewer_page(reviewer, reviews, query)
    meta = Meta(
        f"Reviews by {isolate(reviewer.name)}",
        f"{reviewer.motto} {count(len(reviews), 'review')} of AI tools.",
        reviewer_path(slug),
        "profile",
        graph=reviewer_graph(reviewer, list_page(reviews, reviewer_path(slug), query).items),
    )
    return render_with_newsletter(content, "reviewer.html", public_url, meta, view)


def render_tools(content: SiteContent, public_url: str, query: Query | None = None) -> bytes:
    """The list of all tools."""
    meta = _index_meta("All tools", "Every listed tool, by name.", tools_path())
    view = list_page(tool_index(content.tools()), tools_path(), query)
    return render_with_newsletter(content, "index.html", public_url, meta, view)


def render_categories(content: SiteContent, public_url: str, query: Query | None = None) -> bytes:
    """The list of all categories."""
    description = "Every category with its tools, and how they rank."
    meta = _index_meta("Categories and rankings", description, categories_path())
    every = category_index(content.categories(), content.tools())
    view = list_page(every, categories_path(), query)
    return render_with_newsletter(content, "index.html", public_url, meta, view)


def render_reviewers(content: SiteContent, public_url: str, query: Query | None = None) -> bytes:
    """The list of all reviewers."""
    meta = _index_meta("Reviewers", "The panel and its reviews.", reviewers_path())
    every = reviewer_index(content.reviewers(), content.tools())
    view = list_page(every, reviewers_path(), query)
    return render_with_newsletter(content, "index.html", public_url, meta, view)


def render_digests(content: SiteContent, public_url: str) -> bytes:
    """The list of all digests."""
    path = digests_path()
    meta = Meta(
        "Weekly digests",
        "What changed each week: verdicts, close calls, new tools.",
        path,
        feed=feed_path(path),
        graph=[breadcrumb(Crumb(theme.current().name, "/"), Crumb("Digests", path))],
    )
    view = digest_list(content.digests())
    return render_with_newsletter(content, "digests.html", public_url, meta, view)


def render_digest(content: SiteContent, public_url: str, week: str) -> bytes | None:
    """One week's digest."""
    by_week = {digest.week: digest for digest in content.digests()}
    if week not in by_week:
        return None
    digest = by_week[week]
    view = view_of_digest(content, digest, list(by_week))
    meta = Meta(
        f"Weekly digest: {view.title}",
        f"{view.dates}: {view.summary}",
        view.path,
        "article",
        feed=feed_path(digests_path()),
        graph=[breadcrumb(Crumb("Digests", digests_path()), Crumb(view.title, view.path))],
        demo=content.is_demo_digest(digest),
    )
    return render_with_newsletter(content, "digest.html", public_url, meta, view)


def _index_meta(title: str, description: str, path: str) -> Meta:
    return Meta(
        title,
        description,
        path,
        graph=[breadcrumb(Crumb(theme.current().name, "/"), Crumb(title, path))],
    )
