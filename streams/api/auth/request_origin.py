"""Whether a request comes from this site's own pages."""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from streams.api.http.problems import Problem

Source = Literal["same", "other", "unknown"]
Headers = Mapping[bytes, bytes]


class OriginPolicy:
    """Distinguishes requests of our own pages from those of other sites.

    Args:
        public_url: The site's address; over HTTPS, pages of plain HTTP count as another site.
    """

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._public_origin = f"{parts.scheme}://{parts.netloc}".lower().encode()
        self._schemes = (b"https",) if parts.scheme == "https" else (b"http", b"https")

    def source(self, headers: Headers) -> Source:
        """The kind of site that sent the request; `unknown` when the browser does not say."""
        site = headers.get(b"sec-fetch-site")
        if site == b"same-origin":
            return "same"
        origin = headers.get(b"origin", b"null").lower()
        if origin != b"null":
            return "same" if self._is_ours(origin, headers) else "other"
        return "other" if site in (b"cross-site", b"same-site") else "unknown"

    def require_same(self, headers: Headers) -> None:
        """Refuse a request that no page of ours sent.

        Raises:
            Problem: 403.
        """
        if self.source(headers) != "same":
            raise Problem(403, "Only this site's own pages may do this: send its Origin header.")

    def _is_ours(self, origin: bytes, headers: Headers) -> bool:
        scheme, _, host = origin.partition(b"://")
        same_host = host == headers.get(b"host", b"").lower() and scheme in self._schemes
        return origin == self._public_origin or same_host
