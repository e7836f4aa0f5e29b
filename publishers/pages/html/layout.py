"""What every page of the site has around its main part."""

from publishers.content.site_content import SiteContent
from publishers.templating.environment import Meta, page
from publishers.views.paths import digest_path


def render_with_newsletter(
    content: SiteContent, template: str, public_url: str, meta: Meta, view: object
) -> bytes:
    """A page whose newsletter block links to the newest digest, if there is one."""
    week = content.newest_digest()
    return page(template, public_url, meta._replace(digest=digest_path(week) if week else ""), view)
