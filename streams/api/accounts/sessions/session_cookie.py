"""The cookie of a session: its secret, and the time of the account's last event in this browser."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from infra.signing import derive_key, sign, verify
from streams.api.accounts.sessions.cookies import PrivateCookie

_VALUE = re.compile(rb"(1\.([A-Za-z0-9_-]{43})\.([0-9a-f]{1,13}))\.([0-9a-f]{32})\Z")


class SessionTicket(msgspec.Struct, frozen=True):
    """What a browser's cookie holds; `last` in microseconds since 1970."""

    secret: str
    last: int


class SessionCookies:
    """Reads and writes session cookies. The signature keeps clients from choosing times.

    Args:
        secret_keys: The first key signs; every key verifies.
        secure: Whether browsers come over HTTPS only.
    """

    def __init__(self, secret_keys: Sequence[str], *, secure: bool) -> None:
        self._keys = [derive_key(key, "session") for key in secret_keys]
        self._cookie = PrivateCookie("verdicts_session", secure=secure)

    def read(self, headers: Mapping[bytes, bytes]) -> SessionTicket | None:
        """The request's ticket; None without a cookie that one of the keys signed."""
        value = self._cookie.read(headers)
        match = None if value is None else _VALUE.match(value)
        if match is None:
            return None
        payload, secret, last, signature = match.groups()
        if not verify(self._keys, payload, signature):
            return None
        return SessionTicket(secret.decode(), int(last, 16))

    def write(self, ticket: SessionTicket, seconds: int) -> str:
        """The `Set-Cookie` header of a session that has so many seconds to live."""
        payload = f"1.{ticket.secret}.{ticket.last:x}"
        signature = sign(self._keys[0], payload.encode()).decode()
        return self._cookie.write(f"{payload}.{signature}", seconds)

    def expire(self) -> str:
        """The `Set-Cookie` header that removes the cookie."""
        return self._cookie.expire()
