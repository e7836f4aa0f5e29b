"""A mail server that does as little as it can: it takes every mail, and counts.

`python -m tests.bench.load.mail_sink` prints its port. The command `STAT` answers what it has taken
since the last one, as JSON.
"""

import asyncio
import time
from contextlib import closing
from smtplib import SMTP
from typing import Any

import msgspec

_END = b"\r\n.\r\n"


class Taken(msgspec.Struct):
    """What was taken.

    Attributes:
        mails: How many.
        recipients: To how many different recipients.
        octets: Of all contents.
        first: Moment of the first, in seconds of the machine's monotonic clock.
        last: Likewise of the last.
        sample: The last mail.
    """

    mails: int = 0
    recipients: int = 0
    octets: int = 0
    first: float = 0.0
    last: float = 0.0
    sample: str = ""


class Sink:
    """What all connections share."""

    def __init__(self) -> None:
        self.taken = Taken()
        self.recipients: set[bytes] = set()

    def take(self, recipient: bytes, content: bytes) -> None:
        """Count one mail."""
        taken = self.taken
        taken.last = time.monotonic()
        taken.first = taken.first or taken.last
        taken.mails += 1
        taken.octets += len(content)
        self.recipients.add(recipient)
        if taken.mails == 1:
            taken.sample = content.decode("ascii")

    def report(self) -> bytes:
        """All since the last report, as JSON."""
        taken, self.taken = self.taken, Taken()
        taken.recipients = len(self.recipients)
        self.recipients.clear()
        return msgspec.json.encode(taken)


class _Session(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._recipient = b""
        self._in_data = False
        self._looked = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._take_content() if self._in_data else self._take_line():
            pass

    def _take_content(self) -> bool:
        end = self._buffer.find(_END, max(0, self._looked - len(_END)))
        if end < 0:
            self._looked = len(self._buffer)
            return False
        self._sink.take(self._recipient, bytes(self._buffer[:end]))
        del self._buffer[: end + len(_END)]
        self._in_data, self._looked = False, 0
        self._transport.write(b"250 taken\r\n")
        return True

    def _take_line(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        answer = b"250 sink"
        match line[:4].upper():
            case b"EHLO":
                answer = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME"
            case b"RCPT":
                self._recipient = line
            case b"DATA":
                self._in_data, answer = True, b"354 go on"
            case b"STAT":
                answer = b"250 " + self._sink.report()
            case b"QUIT":
                answer = b"221 bye"
        self._transport.write(answer + b"\r\n")
        return True


def taken_by(port: int) -> Taken:
    """What the sink on a port has taken since this was last asked."""
    with closing(_Long("127.0.0.1", port)) as client:
        return msgspec.json.decode(client.docmd("STAT")[1], type=Taken)


class _Long(SMTP):
    """The sample makes an answer longer than `smtplib` reads."""

    def getreply(self) -> tuple[int, bytes]:
        assert self.sock
        if self.file is None:
            self.file = self.sock.makefile("rb")
        line = self.file.readline()
        return int(line[:3]), line[4:].rstrip()


async def serve() -> None:
    """Listen until killed."""
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Session(sink), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
