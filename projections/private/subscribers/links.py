"""Links in mails: tokens of three purposes, and the ids that keyed hashes give addresses."""

from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from infra.signing import InvalidTokenError, TokenSigner, derive_key
from projections.private.subscribers.addresses import CheckedAddress
from projections.private.subscribers.preferences import Frequency

CONFIRMATION_SECONDS = 7 * 24 * 3600
PREFERENCES_SECONDS = 90 * 24 * 3600
_ID_BYTES = 10


class Signup(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request to subscribe. It travels in the link, so nothing is stored before it is confirmed.

    Attributes:
        address: As typed.
        requested: When, in microseconds since 1970.
        source: Where consent was given.
        frequency: None leaves it as it is, `weekly` at first.
        topics: Slugs of categories; None leaves them as they are, all at first.
        timezone: An IANA name; None leaves it as it is, UTC at first.
    """

    address: str
    requested: int
    source: str = "website"
    frequency: Frequency | None = None
    topics: tuple[str, ...] | None = None
    timezone: str | None = None


class SubscriptionLinks:
    """Issues and reads the tokens, and computes ids.

    Args:
        secret_keys: For confirmations and preferences; the first signs, every one verifies.
        voter_key: For ids and unsubscribe links; it is never rotated, so they work for ever.
    """

    def __init__(self, secret_keys: Sequence[str], voter_key: str) -> None:
        self._id_key = derive_key(voter_key, "subscriber")
        self._confirmations = TokenSigner(secret_keys, "confirm subscription")
        self._preferences = TokenSigner(secret_keys, "preferences")
        self._unsubscribing = TokenSigner([voter_key], "unsubscribe")

    def id_of(self, address: CheckedAddress) -> str:
        """16 characters of `a-z2-7` that only holders of the key can link to the address."""
        digest = blake2b(address.canonical.encode(), key=self._id_key, digest_size=_ID_BYTES)
        return b32encode(digest.digest()).decode().lower()

    def confirmation_path(self, signup: Signup) -> str:
        """The path of the page that confirms a request within seven days."""
        payload = urlsafe_b64encode(msgspec.json.encode(signup)).decode().rstrip("=")
        expires = signup.requested // 1_000_000 + CONFIRMATION_SECONDS
        return f"/subscriptions/confirm/?token={self._confirmations.issue(payload, expires)}"

    def read_confirmation(self, token: str, now: int) -> Signup:
        """The request of a token; `now` in seconds.

        Raises:
            InvalidTokenError: The token is not ours, or has expired.
        """
        payload = self._confirmations.read(token, now)
        padded = payload + "=" * (-len(payload) % 4)
        try:
            return msgspec.json.decode(urlsafe_b64decode(padded), type=Signup)
        except (ValueError, msgspec.DecodeError):  # of an older release
            raise InvalidTokenError("This link is no longer valid; ask for a new one.") from None

    def preferences_token(self, subscriber_id: str, now: int) -> str:
        """A token that changes this subscription for 90 days; `now` in seconds."""
        return self._preferences.issue(subscriber_id, now + PREFERENCES_SECONDS)

    def preferences_path(self, subscriber_id: str, now: int) -> str:
        """The path of the preferences; `now` in seconds."""
        return f"/subscriptions/?token={self.preferences_token(subscriber_id, now)}"

    def read_preferences(self, token: str, now: int) -> str:
        """The subscriber's id of a token; `now` in seconds.

        Raises:
            InvalidTokenError: The token is not ours, or has expired.
        """
        return self._preferences.read(token, now)

    def unsubscribe_path(self, subscriber_id: str) -> str:
        """The path that ends the subscription, for ever (RFC 8058)."""
        return f"/subscriptions/unsubscribe/?token={self._unsubscribing.issue(subscriber_id)}"

    def read_unsubscribing(self, token: str) -> str:
        """The subscriber's id of a token.

        Raises:
            InvalidTokenError: The token is not ours.
        """
        return self._unsubscribing.read(token, 0)
