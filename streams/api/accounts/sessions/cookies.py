"""Cookies of accounts: named, `HttpOnly`, `SameSite=Lax`, and `__Host-` over HTTPS."""

from collections.abc import Mapping


class PrivateCookie:
    """Reads and writes one cookie.

    Args:
        name: Its name, without a prefix.
        secure: Whether browsers come over HTTPS only.
    """

    def __init__(self, name: str, *, secure: bool) -> None:
        self.name = f"__Host-{name}" if secure else name
        self._prefix = self.name.encode() + b"="
        self._attributes = f"; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"

    def read(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """The cookie's value in a request; None without the cookie."""
        cookies = headers.get(b"cookie")
        if cookies is None or self._prefix not in cookies:
            return None
        for part in cookies.split(b";"):
            cookie = part.strip()
            if cookie.startswith(self._prefix):
                return cookie[len(self._prefix) :]
        return None

    def write(self, value: str, seconds: int) -> str:
        """The `Set-Cookie` header that keeps a value for so many seconds."""
        return f"{self.name}={value}; Max-Age={seconds}{self._attributes}"

    def expire(self) -> str:
        """The `Set-Cookie` header that removes the cookie."""
        return self.write("", 0)
