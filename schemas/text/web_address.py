"""Which addresses a browser can open."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

MAX_HOST_LENGTH, MAX_LABEL_LENGTH = 253, 63

_FORBIDDEN_IN_HOST = re.compile(r"[\s\x00-\x20\x7f!\"#$%&'()*+,/:;<=>?@\[\\\]^`{|}~\u200b-\u206f]")


@lru_cache(maxsize=4096)
def is_web_address(text: str) -> bool:
    """Whether a text is an http or https address with a possible host and port."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    in_range = port is None or port > 0
    return parts.scheme in ("http", "https") and in_range and _is_host(host, parts.netloc)


def _is_host(host: str, netloc: str) -> bool:
    if "[" in netloc:
        return _is_address(IPv6Address, host)
    labels = host.removesuffix(".").split(".")
    if labels[-1].isdecimal():
        return _is_address(IPv4Address, host.removesuffix("."))
    possible = all(0 < len(label) <= MAX_LABEL_LENGTH for label in labels)
    return possible and len(host) <= MAX_HOST_LENGTH and not _FORBIDDEN_IN_HOST.search(host)


def _is_address(kind: type[IPv4Address | IPv6Address], host: str) -> bool:
    try:
        kind(host)
    except ValueError:
        return False
    return True
