"""Signed tokens against cross-site request forgery."""

import re
from collections.abc import Sequence

from infra.signing import derive_key, sign, verify
from streams.api.auth.voter_cookie import Voter

MINUTES_VALID = 30
MICROS_PER_MINUTE = 60_000_000

_EXPIRY = re.compile(r"[0-9a-f]{1,12}")


class CsrfTokens:
    """Issues and checks the tokens of confirmation forms.

    Args:
        secret_keys: The first key signs; every key verifies.
    """

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._keys = [derive_key(key, "confirmation") for key in secret_keys]

    def issue(self, voter: Voter | None, action: str, now: int) -> str:
        """A token for this voter and action, valid for half an hour from `now` (microseconds)."""
        expiry = now // MICROS_PER_MINUTE + MINUTES_VALID
        signature = sign(self._keys[0], _message(voter, action, expiry))
        return f"{expiry:x}.{signature.decode()}"

    def is_valid(self, token: str, voter: Voter | None, action: str, now: int) -> bool:
        """Whether the token belongs to this voter and action and has not expired."""
        text, _, signature = token.partition(".")
        if not _EXPIRY.fullmatch(text):
            return False
        expiry = int(text, 16)
        if expiry < now // MICROS_PER_MINUTE:
            return False
        return verify(self._keys, _message(voter, action, expiry), signature.encode())


def _message(voter: Voter | None, action: str, expiry: int) -> bytes:
    return f"{voter.id if voter else ''}\0{action}\0{expiry}".encode()
