"""HTTP/1.1 as a load generator speaks it: bytes made beforehand, answers only measured."""

import re
import socket
import time

# For more than this the allocator maps fresh pages each time, at six times the cost of the call.
MOST_AT_ONCE = 1 << 16
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection:
    """One kept-alive connection with at most one request under way."""

    __slots__ = ("_received", "began", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self._received = b""

    def send(self, request: bytes) -> None:
        """Send a request, and note when."""
        self.began = time.monotonic()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """Take what has arrived; the whole answer once it is there.

        Raises:
            ConnectionError: the server has hung up.
        """
        part = self.socket.recv(MOST_AT_ONCE)
        if not part:
            raise ConnectionError("the server hung up")
        self._received = self._received + part if self._received else part
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self._received, 0, head)
        if len(self._received) < head + 4 + (int(length[1]) if length else 0):
            return None
        answer, self._received = self._received, b""
        return answer


def status_of(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer[9:12])


def request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
