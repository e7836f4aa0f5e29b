"""A digest as a message: HTML, plain text, and both in one file that a mail client opens.

This module sends nothing. A message depends on the digest and the site's address alone: the mailer
adds recipients, and recognizes by the Message-ID what it has sent.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import urlsplit

from publishers.templating.environment import Meta, page
from publishers.views.digests.digest import DigestPage, digest_page
from publishers.views.digests.digest import subject as subject_of
from publishers.views.text.formatting import shorten
from schemas.digests import WeeklyDigest

MAX_SUBJECT_LENGTH = 150
MAX_HTML_BYTES = 90_000
"""Gmail cuts a message at 102 kB, together with what a mailer adds to it."""

ITEM_LIMITS = (100, 20, 10, 5, 3, 1)
"""Items of a section, tried in turn until the message is short enough."""


def html(digest: WeeklyDigest, public_url: str) -> str:
    """The message for clients that show HTML: 600 pixels wide, light and dark."""
    return _html(_short_view(digest, public_url), public_url)


def text(digest: WeeklyDigest, public_url: str) -> str:
    """The message as plain text, in lines of at most 72 characters where words allow it."""
    view = _short_view(digest, public_url)
    return page("digest_mail.txt", public_url, _meta(view), view).decode()


def subject(digest: WeeklyDigest) -> str:
    """The week and its news, for the inbox."""
    return shorten(subject_of(digest), MAX_SUBJECT_LENGTH)


def message(digest: WeeklyDigest, public_url: str) -> bytes:
    """HTML and text as one MIME message (RFC 5322) without recipients."""
    host = urlsplit(public_url).hostname or "localhost"
    email = EmailMessage(policy=SMTP)
    email["Subject"] = subject(digest)
    email["From"] = Address("Verdicts", "digest", host)
    email["To"] = "undisclosed-recipients:;"
    email["Date"] = digest.end
    email["Message-ID"] = f"<digest-{digest.week}@{host}>"
    email["List-ID"] = f"Verdicts weekly digest <digest.{host}>"
    email["Content-Language"] = "en"
    email.set_content(text(digest, public_url), cte="quoted-printable")
    email.add_alternative(html(digest, public_url), subtype="html", cte="quoted-printable")
    email.set_boundary(f"=_verdicts_{digest.week}")
    return email.as_bytes()


def _short_view(digest: WeeklyDigest, public_url: str) -> DigestPage:
    """The digest with as many items as both parts of the message may hold."""
    view = digest_page(digest)
    for limit in ITEM_LIMITS:
        shorter = view.shorten(limit)
        if len(_html(shorter, public_url).encode()) <= MAX_HTML_BYTES:
            break
    return shorter


def _html(view: DigestPage, public_url: str) -> str:
    return page("digest_mail.html", public_url, _meta(view), view).decode()


def _meta(view: DigestPage) -> Meta:
    return Meta(view.title, view.summary, view.path)
