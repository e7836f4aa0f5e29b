"""Single mails: the confirmation of a subscription, and the link that signs in."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple

from infra.mail_settings import MailSettings
from projections.private.outgoing_mail import MailKind, OutgoingMail
from publishers.mailer.messages.sender import sender_of
from publishers.templating import theme
from publishers.templating.environment import Meta, page

CONTENT_POLICY = SMTP.clone(max_line_length=78)


class LinkMail(NamedTuple):
    """What a mail with one link says.

    Attributes:
        title: The subject.
        text: Why the mail came, and what the link does.
        button: Text of the link.
        link: Absolute address.
        ignore: What to do when the mail was not asked for.
        footer: Postal address of the sender; may be empty.
    """

    title: str
    text: str
    button: str
    link: str
    ignore: str
    footer: str


_TEXTS: dict[MailKind, tuple[str, str, str, str]] = {
    "confirmation": (
        "Confirm your subscription",
        "Someone, probably you, entered this address for the weekly AI tool verdicts. "
        "Confirm it within 7 days to get the next digest.",
        "Confirm the subscription",
        "If it wasn't you, ignore this mail: without a confirmation nothing more is sent.",
    ),
    "sign-in": (
        "Sign in to {site}",
        "Someone, probably you, asked to sign in with this address. The link works once, "
        "within 15 minutes.",
        "Sign in",
        "If it wasn't you, ignore this mail: no one can sign in without the link.",
    ),
}


def link_of(mail: OutgoingMail, public_url: str) -> str:
    """The absolute address that the mail leads to."""
    return f"{public_url}{mail.fields['path']}"


def render_single(mail: OutgoingMail, public_url: str, settings: MailSettings) -> bytes:
    """A mail with one link, as bytes with CRLF line ends."""
    title, text, button, ignore = _TEXTS[mail.kind]
    title = title.format(site=theme.current().name)
    view = LinkMail(title, text, button, link_of(mail, public_url), ignore, settings.footer)
    meta = Meta(title, "", "")
    email = EmailMessage(policy=CONTENT_POLICY)
    email["From"] = sender_of(settings)
    email["To"] = Address(addr_spec=mail.recipient)
    email["Subject"] = title
    email["Date"] = format_datetime(mail.created)
    stamp = int(mail.created.timestamp() * 1_000_000)
    email["Message-ID"] = f"<{mail.kind}.{mail.id}.{stamp}@{settings.domain}>"
    email["Auto-Submitted"] = "auto-generated"
    email["X-Auto-Response-Suppress"] = "All"
    email["Content-Language"] = "en"
    plain = page("link_mail.txt", public_url, meta, view).decode()
    rich = page("link_mail.html", public_url, meta, view).decode()
    email.set_content(plain, cte="quoted-printable")
    email.add_alternative(rich, subtype="html", cte="quoted-printable")
    email.set_boundary(f"=_verdicts_{stamp}")
    return email.as_bytes()
