"""The settings of mail: where it goes, from whom, how fast, and when."""

from collections.abc import Mapping
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from infra import setting_values as parse
from infra.setting_values import SettingsError

DEFAULT_SENDER = "Verdicts <digest@localhost>"
MAIL_VARIABLES = (
    (
        "SMTP_URL",
        "",
        "smtp://user:password@host:587 or smtps://…:465; empty: mail goes into files",
    ),
    ("VERDICTS_MAIL_FROM", DEFAULT_SENDER, "sender of all mail; without a name: the theme's"),
    ("VERDICTS_MAIL_FOOTER", "", "postal address below each digest; needed with SMTP_URL"),
    ("VERDICTS_MAIL_PER_SECOND", "50", "most digest mails in a second"),
    ("VERDICTS_MAIL_PER_DOMAIN", "20", "most digest mails in a second to one recipient domain"),
    ("VERDICTS_MAIL_WARMUP", "0", "a new mail server's digest mails on day 1; 0: no warm-up"),
    ("VERDICTS_MAIL_CONNECTIONS", "8", "connections to the mail server at once"),
    ("VERDICTS_MAIL_HOUR", "8", "a subscriber's local hour on Monday at which the digest goes out"),
    ("VERDICTS_MAIL_CUTOFF_HOURS", "24", "hours after which a late digest is held"),
    ("VERDICTS_DKIM_KEY", "", "PEM file of the key that signs mails; empty: unsigned"),
    ("VERDICTS_DKIM_SELECTOR", "", "selector of the DKIM key in the DNS"),
    ("VERDICTS_BOUNCES", "", "Maildir into which the mail server delivers bounces; empty: none"),
)
_SMTP_EXAMPLE = "such as smtp://user:password@mail.example:587 or smtps://mail.example:465"


class SmtpServer(msgspec.Struct, frozen=True):
    """A mail server.

    Attributes:
        host: Name or address.
        port: Port, 1 to 65535.
        user: Empty without a login.
        password: Of the user.
        implicit_tls: Whether TLS starts with the connection (`smtps`).
        tls_required: Whether a server without STARTTLS is refused.
    """

    host: str
    port: int
    user: str = ""
    password: str = ""
    implicit_tls: bool = False
    tls_required: bool = False


class MailSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How mail is sent.

    Attributes:
        server: None: mail is written into a Maildir.
        sender_name: Display name of the sender; empty: the theme's.
        sender: Address of the sender.
        footer: Postal address below each digest.
        per_second: Most digest mails in a second.
        per_domain: Most digest mails in a second to one recipient domain.
        warmup: Most digest mails on a server's first day, and half as many again on each further
            one; 0: no limit.
        connections: Connections to the server at once.
        hour: Local hour on Monday, 0 to 23.
        cutoff_hours: How late a digest may still go.
        dkim_key: PEM file; None: mails are not signed.
        dkim_selector: Its name in the DNS.
        bounces: Maildir with bounces; None: none is read.
    """

    server: SmtpServer | None
    sender_name: str
    sender: str
    footer: str
    per_second: int
    per_domain: int
    warmup: int
    connections: int
    hour: int
    cutoff_hours: int
    dkim_key: Path | None
    dkim_selector: str
    bounces: Path | None

    @property
    def domain(self) -> str:
        """The sender's domain."""
        return self.sender.rpartition("@")[2]

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> "MailSettings":
        """Check the values of all `MAIL_VARIABLES`.

        Raises:
            SettingsError: One is invalid, or one that another needs is missing.
        """
        server = _smtp_server(values["SMTP_URL"])
        footer = values["VERDICTS_MAIL_FOOTER"]
        if server and not footer:
            raise SettingsError(
                "Set VERDICTS_MAIL_FOOTER to your postal address: mail that goes out by SMTP_URL "
                "must name its sender."
            )
        name, sender = _sender(values["VERDICTS_MAIL_FROM"])
        if values["VERDICTS_MAIL_FROM"] == DEFAULT_SENDER:
            name = ""
        key, selector = values["VERDICTS_DKIM_KEY"], values["VERDICTS_DKIM_SELECTOR"]
        if bool(key) != bool(selector):
            missing = "VERDICTS_DKIM_SELECTOR" if key else "VERDICTS_DKIM_KEY"
            raise SettingsError(f"Set {missing} too: a signature needs a key and its selector.")
        return cls(
            server=server,
            sender_name=name,
            sender=sender,
            footer=footer,
            per_second=parse.integer(values, "VERDICTS_MAIL_PER_SECOND", least=1),
            per_domain=parse.integer(values, "VERDICTS_MAIL_PER_DOMAIN", least=1),
            warmup=parse.integer(values, "VERDICTS_MAIL_WARMUP", least=0),
            connections=parse.integer(values, "VERDICTS_MAIL_CONNECTIONS", least=1, most=100),
            hour=parse.integer(values, "VERDICTS_MAIL_HOUR", least=0, most=23),
            cutoff_hours=parse.integer(values, "VERDICTS_MAIL_CUTOFF_HOURS", least=1, most=160),
            dkim_key=_path(key),
            dkim_selector=selector,
            bounces=_path(values["VERDICTS_BOUNCES"]),
        )


def _path(text: str) -> Path | None:
    return Path(text).expanduser().absolute() if text else None


def _sender(text: str) -> tuple[str, str]:
    name, sender = parseaddr(text)
    local, at, domain = sender.rpartition("@")
    try:
        Address(name, local, domain)
    except ValueError:
        at = ""
    if not (local and at and domain) or any(ord(character) < 32 for character in text):
        raise SettingsError(
            f"VERDICTS_MAIL_FROM is {text!r}; give an address such as "
            "Verdicts <digest@verdicts.example>."
        )
    return name, sender


def _smtp_server(url: str) -> SmtpServer | None:
    """Parse SMTP_URL; messages omit its value and the password in it."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsError(f"SMTP_URL is not a URL; give one {_SMTP_EXAMPLE}.") from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = options in ({}, {"tls": "required"})
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
        raise SettingsError(f"SMTP_URL names no mail server; give one {_SMTP_EXAMPLE}.")
    if not known or port == 0:
        raise SettingsError(
            "SMTP_URL has an option that does not exist; the only one is ?tls=required."
        )
    implicit = parts.scheme == "smtps"
    return SmtpServer(
        host=parts.hostname,
        port=port or (465 if implicit else 587),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        implicit_tls=implicit,
        tls_required=implicit or bool(options),
    )
