"""Pages of one tool and of two to four tools side by side."""

from collections.abc import Iterable, Sequence

from publishers.content.site_content import SiteContent
from publishers.pages.html.layout import render_with_newsletter
from publishers.pages.pictures import social_card
from publishers.templating.environment import Meta
from publishers.views.comparisons.comparison import comparison
from publishers.views.comparisons.multi_comparison import multi_comparison
from publishers.views.json_ld import comparison_graph, tool_graph
from publishers.views.paths import comparison_path, feed_path, multi_comparison_path, tool_path
from publishers.views.text.formatting import instant
from publishers.views.tools.tool import tool_page
from schemas.records import Tool
from schemas.text.isolation import isolate


def render_tool(content: SiteContent, public_url: str, slug: str) -> bytes | None:
    """One tool."""
    tool = content.tool_on_site(slug)
    if tool is None:
        return None
    path, modified = tool_path(slug), _modified(content, [tool])
    similar = [
        (other, words)
        for other_slug, words in content.similar_tools().of(tool)
        if (other := content.tool(other_slug))
    ]
    # Of a large category those with the closest texts: the page stays short, and reads few records.
    slugs = content.rivals(slug)
    content.read_ahead(slugs)
    category = [rival for each in slugs if (rival := content.tool_on_site(each))]
    definitions = content.facts_of([tool]).get(tool.category.slug, ())
    view = tool_page(
        tool, category, content.reviewers(), content.history(slug), similar, definitions
    )
    meta = Meta(
        f"{isolate(tool.name)}: ship or skip?",
        f"{tool.tagline} {view.summary}",
        path,
        "article",
        feed=feed_path(path),
        alternates=True,
        modified=modified,
        graph=tool_graph(tool, modified, definitions),
        card=social_card.tool_card_address(tool, demo=content.is_demo()),
    )
    return render_with_newsletter(content, "tool.html", public_url, meta, view)


def render_pair(content: SiteContent, public_url: str, one: str, other: str) -> bytes | None:
    """The comparison of any two tools on the site, of one category or of two."""
    tools = pair_on_site(content, one, other)
    if tools is None:
        return None
    histories = [content.history(tool.tool) for tool in tools]
    view = comparison(*tools, content.reviewers(), histories, content.facts_of(tools))
    path, modified = comparison_path(one, other), _modified(content, tools)
    meta = Meta(
        view.title,
        str(view.answer),
        path,
        "article",
        # Pairs across categories have no alternates: nobody could list them all.
        alternates=len({tool.category.slug for tool in tools}) == 1,
        modified=modified,
        graph=comparison_graph(view.title, path, tools, modified, content.facts_of(tools)),
        card=social_card.comparison_card_address(tools, demo=content.is_demo()),
    )
    return render_with_newsletter(content, "comparison.html", public_url, meta, view)


def render_pair_of_category(
    content: SiteContent, public_url: str, one: str, other: str
) -> bytes | None:
    """The comparison of two tools of one category, in the order of its path."""
    if not is_pair_of_category(content, one, other):
        return None
    return render_pair(content, public_url, one, other)


def render_multi_comparison(
    content: SiteContent, public_url: str, slugs: Sequence[str]
) -> bytes | None:
    """Three or four tools of any categories side by side; never stored, so without alternates."""
    tools = [tool for slug in sorted(set(slugs)) if (tool := content.tool_on_site(slug))]
    if len(tools) != len(slugs):
        return None
    histories = [content.history(tool.tool) for tool in tools]
    view = multi_comparison(tools, content.reviewers(), histories, content.facts_of(tools))
    path, modified = multi_comparison_path(slugs), _modified(content, tools)
    meta = Meta(
        view.title,
        str(view.answer),
        path,
        "article",
        modified=modified,
        graph=comparison_graph(view.title, path, tools, modified, content.facts_of(tools)),
    )
    return render_with_newsletter(content, "multi_comparison.html", public_url, meta, view)


def pair_on_site(content: SiteContent, one: str, other: str) -> tuple[Tool, Tool] | None:
    """Two different tools in slug order; None unless both are on the site."""
    first, second = (content.tool_on_site(slug) for slug in sorted((one, other)))
    return (first, second) if first and second and one != other else None


def is_pair_of_category(content: SiteContent, one: str, other: str) -> bool:
    """Whether these two slugs, in order, name tools of one category."""
    tools = (content.tool(slug) for slug in (one, other))
    categories = {tool.category.slug for tool in tools if tool}
    return one < other and len(categories) == 1


def _modified(content: SiteContent, tools: Iterable[Tool]) -> str:
    """When a page about these tools last changed, as RFC 3339."""
    return instant(max(map(content.last_modified().of_tool, tools)))
