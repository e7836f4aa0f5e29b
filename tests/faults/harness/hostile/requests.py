"""Well-formed requests (RFC 9112) whose paths, queries, headers and bodies are hostile."""

import random
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.faults.harness.hostile import values
from tests.faults.harness.hostile.bodies import EVENTS, Fields, HostileBodies
from tests.faults.harness.hostile.routes import Target

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE", "get")
FIELDS = (
    "Accept", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers",
    "Access-Control-Request-Method", "Authorization", "Cache-Control", "ce-datacontenttype",
    "ce-id", "ce-source", "ce-specversion", "ce-subject", "ce-time", "ce-type", "Content-Encoding",
    "Content-Type", "Cookie", "Expect", "Forwarded", "Host", "If-Match", "If-Modified-Since",
    "If-None-Match", "Last-Event-ID", "Origin", "Prefer", "Range", "Referer", "Sec-Fetch-Site",
    "TE", "traceparent", "tracestate", "Upgrade", "User-Agent", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-ID",
)  # fmt: skip
_PARAMETER = re.compile(r"\{(\w+)\}")


class Known(NamedTuple):
    """What a hostile client knows.

    Attributes:
        host: A host that the server answers.
        token: A bearer token that may send everything.
        cookies: `Cookie` headers of voters.
        subjects: Existing values by the names of path parameters.
    """

    host: str
    token: str
    cookies: Sequence[str]
    subjects: Mapping[str, Sequence[str]]


class HostileRequests:
    """Makes requests; the same chances make the same request."""

    def __init__(self, routes: Sequence[Target], known: Known) -> None:
        self._routes = routes
        self._events = next(target for target in routes if target.path == EVENTS)
        self._known = known
        self._bodies = HostileBodies(known.subjects)

    def make(self, chances: random.Random, number: int) -> bytes:
        """One request that asks to close its connection; numbers in a row visit every route."""
        target = self._target(chances, number)
        method = target.method if chances.random() < 0.9 else chances.choice(METHODS)
        described, body = self._bodies.make(chances, target)
        fields = [("Host", self._known.host.encode()), *described]
        self._add_fields(chances, target, fields)
        if method in ("POST", "PUT", "PATCH", "DELETE") or chances.random() < 0.1:
            fields.append(("Content-Length", str(len(body)).encode()))
        else:
            body = b""
        fields.append(("Connection", b"close"))
        head = b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in fields)
        line = f"{method} {self._path(chances, target)}{self._query(chances, target)} HTTP/1.1\r\n"
        return line.encode() + head + b"\r\n" + body

    def _target(self, chances: random.Random, number: int) -> Target:
        """Events and pages every eighth time each, and otherwise routes in turn."""
        group, kind = divmod(number, 8)
        if kind == 0:
            return self._events
        if kind == 1:
            return Target("GET", f"/{chances.choice(self._known.subjects['path'])}")
        return self._routes[(6 * group + kind) % len(self._routes)]

    def _path(self, chances: random.Random, target: Target) -> str:
        def fill(match: re.Match[str]) -> str:
            known = self._known.subjects.get(match[1], ())
            if known and chances.random() < 0.5:
                return chances.choice(known)
            return values.encoded(
                chances, values.text(chances), safe="/" if match[1] == "path" else ""
            )

        path = _PARAMETER.sub(fill, target.path)
        if chances.random() < 0.1:
            path += values.encoded(chances, values.text(chances), safe="/")
        if chances.random() < 0.03:
            path = path.replace("/", chances.choice(("//", "/./", "/../", "%2f", "/%2e%2e/")))
        return path

    def _query(self, chances: random.Random, target: Target) -> str:
        if chances.random() < (0.1 if target.query else 0.8):
            return ""
        names = [*target.query, values.encoded(chances, values.text(chances))]
        known = [slug for slugs in self._known.subjects.values() for slug in slugs]
        pairs = [
            f"{chances.choice(names)}="
            + values.encoded(chances, chances.choice((values.text(chances), chances.choice(known))))
            for _ in range(chances.choice((1, 1, 2, 3, 60)))
        ]
        return "?" + chances.choice(("&", "&", "&&", ";")).join(pairs)

    def _add_fields(self, chances: random.Random, target: Target, fields: Fields) -> None:
        known = self._known
        if chances.random() < 0.7:
            fields.append(("Cookie", self._cookie(chances)))
        if chances.random() < 0.7:
            fields.append(("Origin", f"http://{known.host}".encode()))
        if target.path == EVENTS and chances.random() < 0.95:
            fields.append(("Authorization", f"Bearer {known.token}".encode()))
        for _ in range(chances.choice((0, 0, 1, 2, 5))):
            name, value = chances.choice(FIELDS), values.field_value(chances)
            if name in ("Host", "Authorization", "Origin", "Cookie") and chances.random() < 0.7:
                fields[:] = [field for field in fields if field[0] != name]
            fields.append((name, value))
        if chances.random() < 0.02:
            fields += [(f"X-{number}", b"y") for number in range(chances.choice((80, 120)))]

    def _cookie(self, chances: random.Random) -> bytes:
        cookie = chances.choice(self._known.cookies).encode()
        if chances.random() < 0.7:
            return cookie
        at = chances.randrange(len(cookie))
        return (
            cookie[:at]
            + values.field_value(chances)
            + chances.choice((b"", cookie[at:], b"; " + cookie))
        )
