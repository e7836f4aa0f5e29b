"""A mail server in a thread: it notes each mail that it takes, and fails as the recipient says.

The local part of a recipient begins with what the server does to it, `gone-7@example.com`; see
`Sink.handle_RCPT` and `Sink.handle_DATA`. A test sees every step of every mail, on the server's
thread: what it does there happens between two bytes on the wire.
"""

# ruff: noqa: N802, ARG002 - the names that aiosmtpd calls, with more than these use

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, get_args

from aiosmtpd.smtp import SMTP

Step = Literal["connected", "recipient", "body", "final dot", "taken", "answered"]
STEPS: tuple[Step, ...] = get_args(Step)
_MESSAGE_ID = re.compile(rb"(?mi)^message-id: <([^@>]+)@")


class Sink:
    """What all connections share.

    Attributes:
        taken: How often each mail was taken, by the local part of its Message-ID.
        recipients: Those of the mails that were taken, in order.
        at_step: Called at each step of a mail.
        most_connections: More are refused with 421.
        refused_connections: So many were.
        answers_to_body: Replies to final dots, in place of taking the mail; used up one by one.
    """

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.recipients: list[str] = []
        self.at_step: Callable[[Step], None] = lambda _: None
        self.most_connections = 100
        self.refused_connections = 0
        self.open_connections = 0
        self.answers_to_body: list[str] = []
        self.released = asyncio.Event()
        self._deferred: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink", daemon=True)
        self._thread.start()
        listening = self._loop.create_server(lambda: _Session(self), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(30)
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def release(self) -> None:
        """Answer what hangs."""
        self._loop.call_soon_threadsafe(self.released.set)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        self.at_step("recipient")
        match address.partition("-")[0]:
            case "gone":
                return "550 5.1.1 No such user"
            case "full":
                return "552 5.2.2 Mailbox full"
            case "later":
                return "450 4.2.1 Try again later"
            case "greylisted" if not self._deferred[address]:
                self._deferred[address] += 1
                return "451 4.7.1 Greylisted"
            case "cutbefore" if not self._deferred[address]:
                self._deferred[address] += 1
                server.transport.abort()
            case "hang":
                await self.released.wait()
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.at_step("final dot")
        recipient = envelope.rcpt_tos[0]
        kind = recipient.partition("-")[0]
        if self.answers_to_body:
            return self.answers_to_body.pop()
        if kind == "spam":
            return "554 5.7.1 Refused as spam"
        if kind == "busy" and not self._deferred[recipient]:
            self._deferred[recipient] += 1
            return "452 4.3.1 Out of room"
        match = _MESSAGE_ID.search(envelope.content)
        assert match
        self.taken[match[1].decode()] += 1
        self.recipients.append(recipient)
        self.at_step("taken")
        if kind == "cutafter":
            server.transport.abort()
        return "250 2.0.0 Ok: queued"


class _Session(SMTP):
    def __init__(self, sink: Sink) -> None:
        super().__init__(sink, hostname="sink.example", enable_SMTPUTF8=True)
        self._sink = sink
        self._refused = False

    def connection_made(self, transport: Any) -> None:
        sink = self._sink
        if sink.open_connections >= sink.most_connections:
            self._refused = True
            sink.refused_connections += 1
            transport.write(b"421 4.7.0 Too many connections\r\n")
            transport.close()
            return
        sink.open_connections += 1
        sink.at_step("connected")
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._refused:
            self._sink.open_connections -= 1
            super().connection_lost(error)

    async def push(self, status: Any) -> None:
        await super().push(status)
        if str(status).startswith("354"):
            self._sink.at_step("body")

    async def smtp_DATA(self, arg: str) -> None:
        await super().smtp_DATA(arg)
        self._sink.at_step("answered")
