"""Mail over SMTP: one connection, whose final dot is ours to time."""

import ssl
from collections.abc import Callable
from typing import Literal

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from infra.mail_settings import SmtpServer
from publishers.mailer.delivery.outcome import Outcome, Parcel, of_reply

CONNECT_SECONDS = 30.0
REPLY_SECONDS = 60.0
ACCEPT_SECONDS = 300.0
"""RFC 5321 gives a server 10 minutes to take a mail; few need one."""
MAX_MAILS = 100
"""Servers limit the mails of a connection; a new one is opened before."""

FAILURES = (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError)


class SmtpTransport:
    """One connection to a mail server, opened when it is needed.

    Args:
        server: Where to connect.
        local_name: Name of this host for EHLO.
        context: Verifies the server's certificate; None: the system's authorities.
    """

    def __init__(
        self, server: SmtpServer, local_name: str, context: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._local_name = local_name
        self._context = context or ssl.create_default_context()
        self._client: aiosmtplib.SMTP | None = None
        self._sent = 0

    async def send(self, parcel: Parcel, intend: Callable[[], None]) -> Outcome:
        """Offer one mail; `intend` is called right before the final dot."""
        try:
            protocol = await self._protocol()
        except FAILURES as error:
            await self.close()
            return Outcome("untried", _text(error), about_us=True)
        try:
            outcome = await self._offer(protocol, parcel)
        except ValueError as error:  # an address that no command can carry
            await self.close()
            return Outcome("refused", _text(error), hard=True)
        except FAILURES as error:
            await self.close()
            return Outcome("deferred", _text(error))
        if outcome is not None:
            await self._reset(protocol, outcome)
            return outcome
        try:
            intend()
        except BaseException:
            self._abort()
            raise
        return await self._finish(protocol)

    def _abort(self) -> None:
        """Drop the connection at once, so that the server forgets what it has of a mail."""
        if self._client:
            self._client.close()
        self._client = None

    async def close(self) -> None:
        """End the connection, politely where the server answers at once."""
        client, self._client, self._sent = self._client, None, 0
        if client is None:
            return
        try:
            if client.is_connected:
                await client.quit(timeout=1)
        except FAILURES:
            pass
        finally:
            client.close()

    async def _protocol(self) -> SMTPProtocol:
        if self._sent >= MAX_MAILS:
            await self.close()
        if self._client is None or not self._client.is_connected:
            self._client = await self._connect()
            self._sent = 0
        protocol = self._client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        return protocol

    async def _connect(self) -> aiosmtplib.SMTP:
        server = self._server
        start_tls: bool | None = None  # where the server offers it
        if server.implicit_tls:
            start_tls = False
        elif server.tls_required:
            start_tls = True
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            local_hostname=self._local_name,
            use_tls=server.implicit_tls,
            start_tls=start_tls,
            tls_context=self._context,
            timeout=CONNECT_SECONDS,
        )
        try:
            await client.connect()
            # Without TLS or a login, connect() sends no EHLO.
            await client._ehlo_or_helo_if_needed()  # noqa: SLF001 - there is no public name
        except BaseException:
            client.close()
            raise
        return client

    async def _offer(self, protocol: SMTPProtocol, parcel: Parcel) -> Outcome | None:
        """Send everything but the final dot; an outcome where a reply ends the attempt."""
        recipient = envelope_address(parcel.recipient)
        international = "" if recipient.isascii() else " SMTPUTF8"
        if international and not (self._client and self._client.supports_extension("smtputf8")):
            return Outcome("refused", "the mail server takes no international addresses")
        steps: tuple[tuple[Literal["mail", "rcpt", "data"], bytes, int], ...] = (
            ("mail", f"MAIL FROM:<{parcel.return_path}>{international}".encode(), 250),
            ("rcpt", f"RCPT TO:<{recipient}>".encode(), 250),
            ("data", b"DATA", 354),
        )
        for step, command, success in steps:
            response = await protocol.execute_command(command, timeout=REPLY_SECONDS)
            if response.code != success and not (step == "rcpt" and response.code == 251):
                return of_reply(response.code, response.message, step)
        protocol.write(double_leading_dots(parcel.content))
        return None

    async def _finish(self, protocol: SMTPProtocol) -> Outcome:
        self._sent += 1
        try:
            response = await protocol.execute_command(b".", timeout=ACCEPT_SECONDS)
        except FAILURES as error:
            await self.close()
            return Outcome("ambiguous", _text(error))
        if response.code == 250:
            return Outcome("sent", f"{response.code} {response.message}")
        outcome = of_reply(response.code, response.message, "data")
        if outcome.about_us:
            await self.close()
        return outcome

    async def _reset(self, protocol: SMTPProtocol, outcome: Outcome) -> None:
        """Make the connection ready for the next mail, or end it."""
        if outcome.about_us:
            await self.close()
            return
        try:
            await protocol.execute_command(b"RSET", timeout=REPLY_SECONDS)
        except FAILURES:
            await self.close()


def double_leading_dots(content: bytes) -> bytes:
    """A mail with CRLF line ends as it goes over the wire, where a dot alone ends it."""
    # Much faster than a regular expression.
    doubled = content.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled


def envelope_address(address: str) -> str:
    """The address with its domain in ASCII; only a local part may need SMTPUTF8 then."""
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    return f"{local}@{domain.encode('idna').decode()}"


def _text(error: BaseException) -> str:
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
