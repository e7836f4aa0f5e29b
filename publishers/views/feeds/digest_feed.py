"""A settled digest as an entry of a feed."""

from markupsafe import Markup

from publishers.views.digests.digest import digest_page
from publishers.views.digests.digest_items import Item
from publishers.views.feeds.atom import PUBLISHER, FeedEntry
from publishers.views.text.formatting import xml_text
from schemas.digests import WeeklyDigest

_SECTION = Markup("<h3>{title}</h3>\n<ul>\n{items}</ul>\n")
_ITEM = Markup("<li><strong>{name}</strong>: {said}</li>\n")


def digest_entry(digest: WeeklyDigest) -> FeedEntry:
    """The digest, as old as the end of its week."""
    view = digest_page(digest)
    content = Markup("<p>{}</p>\n").format(view.summary)
    for section in view.sections:
        items = Markup("").join(_ITEM.format(name=it.name, said=_said(it)) for it in section.items)
        content += _SECTION.format(title=section.title, items=items)
    return FeedEntry(
        path=view.path,
        title=f"Digest of {view.title.lower()}",
        author=PUBLISHER,
        moment=digest.end,
        content=xml_text(str(content)),
    )


def _said(item: Item) -> str:
    turn = " → ".join(badge.label for badge in (item.before, item.after) if badge)
    return "; ".join(filter(None, (turn, item.line)))
