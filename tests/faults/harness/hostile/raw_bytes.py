"""Requests that are broken as bytes: cut, mutated, oversized, smuggled, pipelined, not HTTP."""

import random
from collections.abc import Callable, Sequence

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(range(64))
TOKENS = (
    b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b" ", b"\t", b":", b"::", b"%", b"\xff\xfe",
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/9.9", b"HTTP/2.0", b"GET ", b"\x80", b"\r\n ",
    b"\r\nTransfer-Encoding: chunked", b"\r\nTransfer-Encoding: chunked, chunked",
    b"\r\nTransfer-Encoding:\x0bchunked", b"\r\nTransfer-Encoding: identity",
    b"\r\nTransfer-Encoding: gzip", b"\r\nContent-Length: 0", b"\r\nContent-Length: -1",
    b"\r\nContent-Length: +5", b"\r\nContent-Length: 5, 5", b"\r\nContent-Length: 0x10",
    b"\r\nContent-Length: 18446744073709551616", b"\r\nContent-Length: 99999999",
    b"\r\nContent-Length : 4", b"\r\nHost: evil.example", b"\r\nHost:", b"\r\nConnection: close",
    b"\r\nConnection: keep-alive, upgrade", b"\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
    b"\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\nSec-WebSocket-Version: 13",
    b"\r\nExpect: 100-continue", b"\r\nExpect: 42", b"\r\nCookie: verdicts_voter=",
    b"\r\nContent-Encoding: gzip", b"\r\n: no name", b"\r\n\tfolded", b"\r\nA\0B: c", b"\r\nA B: c",
    PREFACE,
)  # fmt: skip
CHUNKS = (
    b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n", b"5\r\nhel", b"-1\r\n\r\n",
    b"zz\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\nhello\r\n", b"\r\n\r\n",
    b"fffffffffffffffff\r\nhello\r\n", b"5;a=b;c\r\nhello\r\n0\r\n\r\n",
    b"5;" + b"x" * 20_000 + b"\r\nhello\r\n0\r\n\r\n", b"0\r\nTrailer: a\r\n\r\n",
    b"5\nhello\n0\n\n", b"5 \r\nhello\r\n0\r\n\r\n", b"005\r\nhello\r\n0\r\n\r\n",
    b"0\r\n" + b"T: " + b"x" * 70_000 + b"\r\n\r\n", b"1\r\na\r\n" * 3000,
    b"0\r\nContent-Length: 9\r\n\r\n", b"0\r\n\r\n\r\n",
)  # fmt: skip

Mutation = Callable[[random.Random, bytes], bytes]


def pieces(chances: random.Random, requests: Sequence[bytes]) -> list[bytes]:
    """What one connection sends, in the pieces in which it goes out.

    Args:
        chances: Decides everything.
        requests: Whole requests to begin with.
    """
    kind = chances.random()
    if kind < 0.06:
        data = chances.choice((_http2, _garbage, _tls, _http09))(chances)
    elif kind < 0.2:
        several = b"".join(chances.choices(requests, k=chances.randrange(2, 30)))
        data = several if chances.random() < 0.5 else _mutated(chances, several)
    elif kind < 0.35:
        data = _chunked(chances, chances.choice(requests))
    elif kind < 0.45:
        data = chances.choice((_many_fields, _long_field, _long_target))(
            chances, chances.choice(requests)
        )
    else:
        data = _mutated(chances, chances.choice(requests))
    return _split(chances, data)


def _mutated(chances: random.Random, data: bytes) -> bytes:
    for _ in range(chances.choice((1, 1, 1, 2, 3, 8))):
        data = chances.choice(_MUTATIONS)(chances, data)
    return data


def _cut(chances: random.Random, data: bytes) -> bytes:
    return data[: chances.randrange(len(data) + 1)]


def _flip(chances: random.Random, data: bytes) -> bytes:
    if not data:
        return data
    at = chances.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chances.randrange(8)]) + data[at + 1 :]


def _insert(chances: random.Random, data: bytes) -> bytes:
    at = chances.randrange(len(data) + 1)
    return data[:at] + chances.choice(TOKENS) + data[at:]


def _insert_field(chances: random.Random, data: bytes) -> bytes:
    line, end, rest = data.partition(b"\r\n")
    field = chances.choice(
        [token for token in TOKENS if token.startswith(b"\r\n") and len(token) > 4]
    )
    return line + field + end + rest


def _drop(chances: random.Random, data: bytes) -> bytes:
    begin = chances.randrange(len(data) + 1)
    return data[:begin] + data[begin + chances.randrange(1, 20) :]


def _repeat(chances: random.Random, data: bytes) -> bytes:
    begin = chances.randrange(len(data) + 1)
    part = data[begin : begin + chances.randrange(1, 60)]
    return data[:begin] + part * chances.choice((2, 3, 1000)) + data[begin:]


def _bare_line_ends(chances: random.Random, data: bytes) -> bytes:
    return data.replace(b"\r\n", chances.choice((b"\n", b"\r", b"\n\r", b"\r\r\n")))


def _noise(chances: random.Random, data: bytes) -> bytes:
    at = chances.randrange(len(data) + 1)
    return data[:at] + chances.randbytes(chances.randrange(1, 200)) + data[at:]


_MUTATIONS: tuple[Mutation, ...] = (
    _cut, _flip, _insert, _insert, _insert_field, _insert_field, _drop, _repeat, _bare_line_ends,
    _noise,
)  # fmt: skip


def _chunked(chances: random.Random, data: bytes) -> bytes:
    """The head of a request before chunks of any kind, with a length beside them or not."""
    head, _, _ = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    lines.append(b"Transfer-Encoding: chunked")
    if chances.random() < 0.3:
        lines.append(b"Content-Length: %d" % chances.choice((0, 3, 5, 4000)))
    body = b"".join(chances.choices(CHUNKS, k=chances.randrange(1, 4)))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _many_fields(chances: random.Random, data: bytes) -> bytes:
    count = chances.choice((99, 100, 101, 2000))
    return _with_field(data, b"".join(b"X-%d: y\r\n" % number for number in range(count)))


def _long_field(chances: random.Random, data: bytes) -> bytes:
    length = chances.choice((8_000, 60_000, 70_000, 400_000))
    field = chances.choice((b"X: %b\r\n", b"%b: x\r\n", b"Cookie: a=%b\r\n", b"Host: %b\r\n"))
    return _with_field(data, field % (b"x" * length))


def _long_target(chances: random.Random, data: bytes) -> bytes:
    length = chances.choice((8_000, 60_000, 70_000, 400_000))
    method, _, rest = data.partition(b" ")
    return method + b" /" + chances.choice((b"a", b"%41", b"?", b"/")) * length + rest


def _with_field(data: bytes, fields: bytes) -> bytes:
    line, end, rest = data.partition(b"\r\n")
    return line + end + fields + rest


def _http2(chances: random.Random) -> bytes:
    frames = b"".join(
        len(body).to_bytes(3, "big") + bytes([chances.randrange(12), chances.randrange(256)])
        + chances.choice((0, 1, 3, 2**31)).to_bytes(4, "big") + body
        for body in (chances.randbytes(chances.randrange(60)) for _ in range(chances.randrange(8)))
    )  # fmt: skip
    return PREFACE[: chances.choice((3, 16, len(PREFACE)))] + frames


def _garbage(chances: random.Random) -> bytes:
    return chances.randbytes(chances.choice((1, 10, 1000, 100_000)))


def _tls(chances: random.Random) -> bytes:
    return _HELLO[: chances.randrange(1, len(_HELLO))]


def _http09(chances: random.Random) -> bytes:
    return chances.choice(
        (b"GET /\r\n", b"GET /\n", b"GET / HTTP/0.9\r\n\r\n", b"QUIT\r\n", b"*1\r\n")
    )


def _split(chances: random.Random, data: bytes) -> list[bytes]:
    """The data in one piece, or in up to six."""
    if len(data) < 2 or chances.random() < 0.6:
        return [data]
    ends = sorted(chances.sample(range(1, len(data)), min(len(data) - 1, chances.randrange(1, 6))))
    return [data[begin:end] for begin, end in zip([0, *ends], [*ends, len(data)], strict=True)]
