"""Keyed hashes of addresses, under which rows are found that do not name the address."""

from hashlib import blake2b

from infra.settings import Settings
from infra.signing import derive_key
from projections.private.accounts.erasure import HoldingsKeys
from projections.private.subscribers.addresses import CheckedAddress
from projections.private.subscribers.links import SubscriptionLinks


class AddressKeys:
    """Computes them.

    Args:
        settings: With both keys.
    """

    def __init__(self, settings: Settings) -> None:
        self._count_key = derive_key(settings.voter_key, "sign-in counts")
        self._links = SubscriptionLinks(settings.secret_keys, settings.voter_key)

    def count_key(self, address: CheckedAddress) -> str:
        """The key under which sign-in mails to an address are counted."""
        digest = blake2b(address.canonical.encode(), key=self._count_key, digest_size=16)
        return digest.hexdigest()

    def subscriber_id(self, address: CheckedAddress) -> str:
        """The id that the subscription of an address has, or would have."""
        return self._links.id_of(address)

    def preferences_path(self, address: CheckedAddress, now: int) -> str:
        """The path of the preferences of an address; `now` in seconds."""
        return self._links.preferences_path(self.subscriber_id(address), now)

    def of(self, address: CheckedAddress) -> HoldingsKeys:
        """All that an erasure needs."""
        return HoldingsKeys(self.subscriber_id(address), self.count_key(address))
