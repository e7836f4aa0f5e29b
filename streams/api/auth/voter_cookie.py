"""Anonymous voters: the cookie that names one in a browser, and the pseudonym on the log.

The cookie is signed, so a client cannot choose its voter id. The log holds only a keyed hash of
namespace and id: readers of the log learn no cookie, and a gateway cannot name a voter of another
gateway or of a browser.
"""

import re
import secrets
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

import msgspec

from infra.signing import derive_key, sign, verify

BROWSER = "browser"
COOKIE_SECONDS = 400 * 24 * 3600

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_COOKIE = re.compile(rb"(1\.([A-Za-z0-9_-]{22})\.([0-9a-f]{1,13}))\.([0-9a-f]{32})\Z")


class Voter(msgspec.Struct, frozen=True):
    """A browser's voter: the cookie's id, and the time of its last event in microseconds."""

    id: str
    last: int


class VoterCookies:
    """Reads and writes the voter cookie, and computes pseudonyms.

    Args:
        secret_keys: Sign cookies; the first key signs, every key verifies.
        voter_key: Keys the pseudonyms.
        secure: Whether browsers come over HTTPS only.
    """

    def __init__(self, secret_keys: Sequence[str], voter_key: str, *, secure: bool) -> None:
        self._keys = [derive_key(key, "cookie") for key in secret_keys]
        self._voter_key = derive_key(voter_key, "pseudonym")
        self._hash_states: dict[str, blake2b] = {}
        self.name = "__Host-verdicts_voter" if secure else "verdicts_voter"
        self._prefix = self.name.encode() + b"="
        self._restrictions = f"; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
        self._attributes = f"; Max-Age={COOKIE_SECONDS}{self._restrictions}"

    def read(self, headers: Mapping[bytes, bytes]) -> Voter | None:
        """The voter of the request's cookie; None without a cookie that one of the keys signed."""
        cookies = headers.get(b"cookie")
        if cookies is None:
            return None
        for part in cookies.split(b";"):
            cookie = part.strip()
            if cookie.startswith(self._prefix):
                return self._verify(cookie[len(self._prefix) :])
        return None

    def create_voter(self) -> Voter:
        """A voter with a random id and no events yet."""
        return Voter(_base64(secrets.token_bytes(16)), 0)

    def set_cookie(self, voter: Voter) -> str:
        """The value of the `Set-Cookie` header that names this voter."""
        payload = f"1.{voter.id}.{voter.last:x}"
        signature = sign(self._keys[0], payload.encode())
        return f"{self.name}={payload}.{signature.decode()}{self._attributes}"

    def expire(self) -> str:
        """The value of the `Set-Cookie` header that removes the cookie."""
        return f"{self.name}=; Max-Age=0{self._restrictions}"

    def pseudonym(self, voter: Voter) -> str:
        """The name on the log of a browser's voter."""
        return self._pseudonym(BROWSER, voter.id)

    def gateway_pseudonym(self, namespace: str, voter: str) -> str:
        """The name on the log of the voter that a gateway calls `voter`."""
        return self._pseudonym(f"gateway:{namespace}", voter)

    def gateway_pseudonyms(self, namespace: str) -> Callable[[str], str]:
        """The same as a function of the voter, for many voters of one gateway."""
        copy = self._hash_state(f"gateway:{namespace}").copy

        def pseudonym(voter: str) -> str:
            keyed = copy()
            keyed.update(voter.encode())
            return _base64(keyed.digest())

        return pseudonym

    def _pseudonym(self, namespace: str, voter: str) -> str:
        """22 characters; linking them to namespace and id takes the voter key."""
        keyed = self._hash_state(namespace).copy()
        keyed.update(voter.encode())
        return _base64(keyed.digest())

    def _hash_state(self, namespace: str) -> blake2b:
        """The hash of key and namespace, computed once."""
        state = self._hash_states.get(namespace)
        if state is None:
            prefix = f"{namespace}\0".encode()
            state = blake2b(prefix, key=self._voter_key, digest_size=16)
            self._hash_states[namespace] = state
        return state

    def _verify(self, value: bytes) -> Voter | None:
        match = _COOKIE.match(value)
        if match is None:
            return None
        payload, voter_id, last, signature = match.groups()
        if not verify(self._keys, payload, signature):
            return None
        return Voter(voter_id.decode(), int(last, 16))


def _base64(raw: bytes) -> str:
    """URL-safe, without padding."""
    return b2a_base64(raw).translate(_URL_SAFE, b"=\n").decode()
