"""A digest as a message: HTML, plain text, and both in one file that a mail client opens.

This module sends nothing: the mailer adds recipients, and recognizes by the Message-ID what it has
sent. A message depends on the digest, the site's address, and what the site says of its tools now:
whether they are retired or those of the demo.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import NamedTuple
from urllib.parse import urlsplit

from publishers.content.site_content import SiteContent
from publishers.pages.digests import view_of_digest
from publishers.templating import theme
from publishers.templating.environment import Meta, page
from publishers.views.digests.digest import DigestPage
from publishers.views.digests.digest import subject as subject_of
from publishers.views.digests.saved_tools import SavedTools
from publishers.views.digests.week_titles import title
from publishers.views.text.formatting import shorten
from schemas.digests import WeeklyDigest

MAX_SUBJECT_LENGTH = 150
MAX_HTML_BYTES = 90_000
"""Gmail cuts a message at 102 kB, together with what a mailer adds to it."""

ITEM_LIMITS = (100, 20, 10, 5, 3, 1)
"""Items of a section, tried in turn until the message is short enough."""

_NO_META = Meta("", "", "")


class MailFoot(NamedTuple):
    """What stands below a digest that goes to a subscriber.

    Attributes:
        preferences: Absolute address of the subscriber's preferences.
        unsubscribe: Absolute address that ends the subscription.
        address: Postal address of the sender; may be empty.
        period: `Weekly` or `Monthly`.
    """

    preferences: str
    unsubscribe: str
    address: str
    period: str = "Weekly"


class MailBody(NamedTuple):
    """A view of a digest, what stands below it, and what stands in the place of saved tools."""

    digest: DigestPage
    foot: MailFoot | None = None
    saved: str = ""

    def __getattr__(self, name: str) -> object:
        return getattr(self.digest, name)


def html(content: SiteContent, public_url: str, digest: WeeklyDigest) -> str:
    """The message for clients that show HTML: 600 pixels wide, light and dark."""
    return html_of_view(public_url, _meta(content, digest), view_of_digest(content, digest))


def text(content: SiteContent, public_url: str, digest: WeeklyDigest) -> str:
    """The message as plain text, in lines of at most 72 characters where words allow it."""
    return text_of_view(public_url, _meta(content, digest), view_of_digest(content, digest))


def html_of_view(
    public_url: str, meta: Meta, view: DigestPage, foot: MailFoot | None = None, saved: str = ""
) -> str:
    """The HTML of a view of a digest, with what stands below it.

    Args:
        public_url: Address of the site.
        meta: The head.
        view: The digest.
        foot: What stands below it.
        saved: A text for the place of the section on saved tools.
    """
    return _html(MailBody(_short_view(public_url, meta, view), foot, saved), public_url, meta)


def text_of_view(
    public_url: str, meta: Meta, view: DigestPage, foot: MailFoot | None = None, saved: str = ""
) -> str:
    """The plain text of a view of a digest, like `html_of_view`."""
    body = MailBody(_short_view(public_url, meta, view), foot, saved)
    return page("digest_mail.txt", public_url, meta, body).decode()


def saved_tools_html(public_url: str, view: SavedTools) -> str:
    """A part of the section on saved tools, as rows of the mail's table."""
    return page("saved_tools.html", public_url, _NO_META, view).decode()


def saved_tools_text(public_url: str, view: SavedTools) -> str:
    """A part of the section on saved tools, as plain text."""
    return page("saved_tools.txt", public_url, _NO_META, view).decode()


def subject(digest: WeeklyDigest) -> str:
    """The week and its news, for the inbox."""
    return shorten(subject_of(digest), MAX_SUBJECT_LENGTH)


def message(content: SiteContent, public_url: str, digest: WeeklyDigest) -> bytes:
    """HTML and text as one MIME message (RFC 5322) without recipients."""
    host = urlsplit(public_url).hostname or "localhost"
    email = EmailMessage(policy=SMTP)
    email["Subject"] = subject(digest)
    email["From"] = Address(theme.current().sender, "digest", host)
    email["To"] = "undisclosed-recipients:;"
    email["Date"] = digest.end
    email["Message-ID"] = f"<digest-{digest.week}@{host}>"
    email["List-ID"] = f"{theme.current().name} weekly digest <digest.{host}>"
    email["Content-Language"] = theme.current().language
    plain, rich = text(content, public_url, digest), html(content, public_url, digest)
    email.set_content(plain, cte="quoted-printable")
    email.add_alternative(rich, subtype="html", cte="quoted-printable")
    email.set_boundary(f"=_verdicts_{digest.week}")
    return email.as_bytes()


def _short_view(public_url: str, meta: Meta, view: DigestPage) -> DigestPage:
    """The digest with as many items as both parts of the message may hold."""
    for limit in ITEM_LIMITS:
        shorter = view.shorten(limit)
        if len(_html(MailBody(shorter), public_url, meta).encode()) <= MAX_HTML_BYTES:
            break
    return shorter


def _html(view: MailBody, public_url: str, meta: Meta) -> str:
    return page("digest_mail.html", public_url, meta, view).decode()


def _meta(content: SiteContent, digest: WeeklyDigest) -> Meta:
    return Meta(title(digest.week), "", "", demo=content.is_demo_digest(digest))
