"""Connects to the mail server as the mailer does, and judges its TLS and our login."""

import smtplib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from infra.cli.doctor.finding import Finding, fail, ok, warn
from infra.mail_settings import MailSettings, SmtpServer

CHECK = "mail server"
SECONDS = 10.0
EXPIRES_SOON = timedelta(days=14)


def relay(settings: MailSettings, context: ssl.SSLContext | None = None) -> Iterator[Finding]:
    """Whether the mail server takes our connection; nothing is sent.

    Args:
        settings: The server.
        context: Verifies the server's certificate; None: the system's authorities.
    """
    server = settings.server
    if server is None:
        return
    name = f"{server.host}:{server.port}"
    try:
        with _connect(server, context or ssl.create_default_context()) as client:
            yield from _judge(client, server, name)
    except smtplib.SMTPNotSupportedError:
        says = f"{name} offers no STARTTLS, which SMTP_URL insists on."
        yield fail(CHECK, says, "Use another port or server.")
    except smtplib.SMTPAuthenticationError as error:
        says = f"{name} refuses the login: {error.smtp_code}."
        yield fail(CHECK, says, "Correct user and password in SMTP_URL.")
    except ssl.SSLCertVerificationError as error:
        says = f"The certificate of {name} is not valid: {error.verify_message}."
        yield fail(CHECK, says, "Use the name that the certificate has, or renew it.")
    except ssl.SSLError as error:
        says = f"{name} speaks no TLS that we know: {error.reason}."
        yield fail(CHECK, says, "Use smtp:// for STARTTLS, smtps:// for TLS from the start.")
    except (smtplib.SMTPException, OSError) as error:
        says = f"{name} cannot be reached: {_text(error)}."
        yield fail(CHECK, says, "Check SMTP_URL, and that no firewall is in between.")


def _connect(server: SmtpServer, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.implicit_tls:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=context)
    client = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    try:
        client.ehlo()
        if server.tls_required or client.has_extn("starttls"):
            client.starttls(context=context)
    except BaseException:
        client.close()
        raise
    return client


def _judge(client: smtplib.SMTP, server: SmtpServer, name: str) -> Iterator[Finding]:
    if server.user:
        client.login(server.user, server.password)
    if not isinstance(client.sock, ssl.SSLSocket):
        says = f"{name} offers no STARTTLS, so mails and password travel in clear text."
        yield warn(CHECK, says, "Use a server with TLS.")
        return
    certificate = client.sock.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    left = datetime.fromtimestamp(ends, UTC) - datetime.now(UTC)
    if left < EXPIRES_SOON:
        says = f"The certificate of {name} expires in {left.days} days."
        yield warn(CHECK, says, "Renew it; mails wait once it has expired.")
    else:
        yield ok(CHECK, f"{name} takes our connection with {client.sock.version()}.")


def _text(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__).rstrip(".")
