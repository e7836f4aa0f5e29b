"""A mail server as a process: writes each mail that it accepts to a file before it answers.

`python -m tests.harness.smtp_sink FILE [BEHAVIOUR]` prints its port. Behaviours: `accept`, `refuse`
(550 to recipients that begin with `gone`), `defer` (450 once for each recipient), `drop` (the
connection ends before the answer to the final dot, after the mail was written).
"""

# ruff: noqa: ARG002 - aiosmtpd gives its handlers more than these use

import asyncio
import email
import email.policy
import random
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP


class Sink:
    """Handles the commands of all connections."""

    def __init__(self, file: Path, behaviour: str) -> None:
        self.file = file.open("ab", buffering=0)
        self.behaviour = behaviour
        self.deferred: set[str] = set()
        self.random = random.Random(7)

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.behaviour == "refuse" and address.startswith("gone"):
            return "550 5.1.1 No such user"
        if self.behaviour == "defer" and address not in self.deferred:
            self.deferred.add(address)
            return "450 4.2.1 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        await asyncio.sleep(self.random.uniform(0, 0.01))
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.file.write(f"{envelope.rcpt_tos[0]} {message['Message-ID']}\n".encode())
        if self.behaviour == "drop":
            server.transport.close()
        return "250 2.0.0 Ok: queued"


async def serve(file: Path, behaviour: str) -> None:
    """Listen until killed."""
    sink = Sink(file, behaviour)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(sink, hostname="sink.example", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), (sys.argv[2:] or ["accept"])[0]))
