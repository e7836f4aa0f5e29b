"""Anonymous voters: the cookie that names one in a browser, the pseudonym on the log.

The cookie is signed, so a client cannot choose who it is. On the log stands only a keyed hash of
namespace and id, so that who reads the log learns of no cookie, and no gateway can name a voter
of another one or of a browser.
"""

import hmac
import re
import secrets
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec

BROWSER = "browser"
KEPT_SECONDS = 400 * 24 * 3600

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SHAPE = re.compile(rb"(1\.([A-Za-z0-9_-]{22})\.([0-9a-f]{1,13}))\.([0-9a-f]{32})\Z")


class Voter(msgspec.Struct, frozen=True):
    """Who a browser votes as: the cookie's id, and the time of the last event in microseconds."""

    id: str
    last: int


class VoterCookies:
    """Reads and writes the cookie, and knows the pseudonyms.

    Args:
        secret_keys: Sign cookies; the first signs, all are accepted.
        voter_key: Keys the pseudonyms.
        secure: Whether browsers come over HTTPS only.
    """

    def __init__(self, secret_keys: Sequence[str], voter_key: str, *, secure: bool) -> None:
        self._keys = [_key(key, "cookie") for key in secret_keys]
        self._voter_key = _key(voter_key, "pseudonym")
        self._begun: dict[str, blake2b] = {}
        self.cookie = "__Host-verdicts_voter" if secure else "verdicts_voter"
        self._name = self.cookie.encode() + b"="
        self._attributes = (
            f"; Max-Age={KEPT_SECONDS}; Path=/; HttpOnly; SameSite=Lax"
            f"{'; Secure' if secure else ''}"
        )

    def read(self, headers: Mapping[bytes, bytes]) -> Voter | None:
        """The voter that the request's cookie names; None without a cookie signed by us."""
        cookies = headers.get(b"cookie")
        if cookies is None:
            return None
        for part in cookies.split(b";"):
            cookie = part.strip()
            if cookie.startswith(self._name):
                return self._verified(cookie[len(self._name) :])
        return None

    def newcomer(self) -> Voter:
        """A voter whom nobody has seen before."""
        return Voter(_text(secrets.token_bytes(16)), 0)

    def set_cookie(self, voter: Voter) -> str:
        """The value of the `Set-Cookie` header that names this voter."""
        payload = f"1.{voter.id}.{voter.last:x}"
        signature = _signature(self._keys[0], payload.encode())
        return f"{self.cookie}={payload}.{signature.decode()}{self._attributes}"

    def pseudonym(self, voter: Voter) -> str:
        """The name on the log of a voter in a browser."""
        return self.name_of(BROWSER, voter.id)

    def gateway_pseudonym(self, namespace: str, voter: str) -> str:
        """The name on the log of a voter whom a gateway calls `voter`."""
        return self.name_of(f"gateway:{namespace}", voter)

    def name_of(self, namespace: str, voter: str) -> str:
        """22 characters that only the holder of the key can link to namespace and id."""
        begun = self._begun.get(namespace)
        if begun is None:
            name = f"{namespace}\0".encode()
            begun = self._begun[namespace] = blake2b(name, key=self._voter_key, digest_size=16)
        keyed = begun.copy()
        keyed.update(voter.encode())
        return _text(keyed.digest())

    def _verified(self, value: bytes) -> Voter | None:
        shape = _SHAPE.match(value)
        if shape is None:
            return None
        payload, name, last, signature = shape.groups()
        for key in self._keys:
            if hmac.compare_digest(_signature(key, payload), signature):
                return Voter(name.decode(), int(last, 16))
        return None


def _key(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose only."""
    return hmac.digest(secret.encode(), f"verdicts {purpose}".encode(), "sha256")


def _signature(key: bytes, message: bytes) -> bytes:
    # Keyed BLAKE2b is a MAC of its own and takes a third of the time of HMAC with SHA-256.
    return blake2b(message, key=key, digest_size=16).hexdigest().encode()


def _text(raw: bytes) -> str:
    return b2a_base64(raw).translate(_URL_SAFE, b"=\n").decode()


class CsrfTokens:
    """Tokens that show that a form was sent from a page of ours.

    Args:
        secret_keys: Sign the tokens; the first signs, all are accepted.
    """

    MINUTES = 30

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._keys = [_key(key, "confirmation") for key in secret_keys]

    def token(self, voter: Voter | None, action: str, micros: int) -> str:
        """A token for this voter and action, good for half an hour from `micros`."""
        until = micros // 60_000_000 + self.MINUTES
        signature = _signature(self._keys[0], _confirmed(voter, action, until))
        return f"{until:x}.{signature.decode()}"

    def holds(self, token: str, voter: Voter | None, action: str, micros: int) -> bool:
        """Whether the token was given for just this, and not too long ago."""
        head, _, signature = token.partition(".")
        if not re.fullmatch(r"[0-9a-f]{1,12}", head) or int(head, 16) < micros // 60_000_000:
            return False
        message = _confirmed(voter, action, int(head, 16))
        return any(
            hmac.compare_digest(_signature(key, message), signature.encode()) for key in self._keys
        )


def _confirmed(voter: Voter | None, action: str, until: int) -> bytes:
    return f"{voter.id if voter else ''}\0{action}\0{until}".encode()
