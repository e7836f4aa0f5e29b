"""A digest as a message: HTML, plain text, and both in one file that a mail client opens.

Nothing is sent here. The message depends on the digest and the site's address alone, so whoever
sends it later adds recipients, and can tell by its Message-ID whether it was sent before.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import urlsplit

from publishers.templating.environment import Meta, page
from publishers.views.digests.digest import DigestPage, digest_page
from publishers.views.text.formatting import shorten
from schemas.digests import WeeklyDigest

LONGEST_SUBJECT = 150


def html(digest: WeeklyDigest, public_url: str) -> str:
    """The message for clients that show HTML: 600 pixels wide, light and dark."""
    view = digest_page(digest)
    return page("digest_mail.html", public_url, _meta(view), view).decode()


def text(digest: WeeklyDigest, public_url: str) -> str:
    """The same for all others, in lines of at most 72 characters where words allow it."""
    view = digest_page(digest)
    return page("digest_mail.txt", public_url, _meta(view), view).decode()


def subject(digest: WeeklyDigest) -> str:
    """What the inbox shows: the week and its news."""
    view = digest_page(digest)
    return shorten(f"{view.title}: {view.summary.rstrip('.')}", LONGEST_SUBJECT)


def message(digest: WeeklyDigest, public_url: str) -> bytes:
    """Both as one MIME message (RFC 5322), from the site to nobody yet."""
    host = urlsplit(public_url).hostname or "localhost"
    made = EmailMessage(policy=SMTP)
    made["Subject"] = subject(digest)
    made["From"] = Address("Verdicts", "digest", host)
    made["To"] = "undisclosed-recipients:;"
    made["Date"] = digest.end
    made["Message-ID"] = f"<digest-{digest.week}@{host}>"
    made["List-ID"] = f"Verdicts weekly digest <digest.{host}>"
    made["Content-Language"] = "en"
    made.set_content(text(digest, public_url), cte="quoted-printable")
    made.add_alternative(html(digest, public_url), subtype="html", cte="quoted-printable")
    made.set_boundary(f"=_verdicts_{digest.week}")
    return made.as_bytes()


def _meta(view: DigestPage) -> Meta:
    return Meta(view.title, view.summary, view.path)
