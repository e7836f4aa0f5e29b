"""A digest as its page and its mail show it now."""

from collections.abc import Sequence

from publishers.content.site_content import SiteContent
from publishers.views.digests.digest import DigestPage, digest_page
from publishers.views.paths import tool_path
from schemas.digests import WeeklyDigest


def view_of_digest(
    content: SiteContent, digest: WeeklyDigest, weeks: Sequence[str] = ()
) -> DigestPage:
    """The view of a digest without links to tools that are retired by now."""
    retired = {tool_path(tool.tool) for tool in content.retired()}
    return digest_page(digest, weeks).unlink(retired)
