"""What the files of the site have in common, besides their own content."""

from publishers.content.site_content import SiteContent
from publishers.templating.environment import Meta, page
from publishers.views.paths import digest_path


def render_page(
    content: SiteContent, template: str, public_url: str, meta: Meta, view: object = None
) -> bytes:
    """A page or a file for machines, labelled where the site shows demo content."""
    demo = meta.demo or content.is_demo()
    return page(template, public_url, meta._replace(demo=demo), view)


def render_with_newsletter(
    content: SiteContent, template: str, public_url: str, meta: Meta, view: object
) -> bytes:
    """A page whose newsletter block links to the newest digest, if there is one."""
    week = content.newest_digest()
    meta = meta._replace(digest=digest_path(week) if week else "")
    return render_page(content, template, public_url, meta, view)
