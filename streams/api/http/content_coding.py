"""Bodies of requests that are compressed."""

import gzip
import io
import zlib
from collections.abc import Mapping

from streams.api.http.problems import Problem

_GZIP = (b"gzip", b"x-gzip")
_PLAIN = (b"", b"identity")


def decode(body: bytes, headers: Mapping[bytes, bytes], limit: int) -> bytes | None:
    """The body without its coding; None when that is over `limit` bytes.

    Raises:
        Problem: 400 for a body that is not gzip though its headers say so; 415 for other codings.
    """
    coding = headers.get(b"content-encoding", b"").strip().lower()
    if coding in _PLAIN:
        return body
    if coding not in _GZIP:
        detail = "Send the body in gzip, or without a Content-Encoding."
        raise Problem(415, detail, headers={"Accept-Encoding": "gzip"})
    try:
        inflated = gzip.GzipFile(fileobj=io.BytesIO(body)).read(limit + 1)
    except (OSError, EOFError, zlib.error):
        raise Problem(400, "The body is not gzip, as its Content-Encoding says.") from None
    return inflated if len(inflated) <= limit else None
