"""The hosts by which clients may address this server."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import Scope

from infra.settings import Settings
from streams.api.http.problems import Problem

OPERATIONAL_PATHS = frozenset(("/healthz", "/readyz", "/status", "/metrics"))
"""Paths that a cluster's probes and collectors request by names of their own."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 (compared, not bound)


class KnownHosts:
    """Refuses requests for other hosts, such as those of a page that rebinds its own name.

    Known are the public URL's host, the host to listen on, and the names of loopback; any address
    where the server listens on all. The port is free, since tunnels change it.

    Args:
        settings: With the public URL and the host to listen on.
    """

    def __init__(self, settings: Settings) -> None:
        public = urlsplit(settings.public_url).hostname or ""
        self._names = {"localhost", public, settings.host.lower().strip("[]")}
        self._all_addresses = settings.host in _WILDCARDS

    def require_known(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Refuse a request without a host, or for a host that is not this server's.

        Raises:
            Problem: 400 without a valid `Host`; 421 for another host.
        """
        text = headers.get(b"host", b"").decode("latin-1").lower()
        if b"host" not in headers and scope["http_version"] in ("1", "1.0"):
            return
        match = _HOST.fullmatch(text)
        if match is None:
            raise Problem(400, "Send one valid Host header.")
        if scope["path"] not in OPERATIONAL_PATHS and not self._is_known(match[1].strip("[]")):
            raise Problem(421, f"This server is not {match[1]}; see VERDICTS_PUBLIC_URL.")

    def _is_known(self, name: str) -> bool:
        if name in self._names:
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self._all_addresses or address.is_loopback
