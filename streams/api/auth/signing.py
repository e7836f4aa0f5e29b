"""Keys derived for one purpose each, and short message authentication codes."""

import hmac
from collections.abc import Sequence
from hashlib import blake2b


def derive_key(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose only."""
    return hmac.digest(secret.encode(), f"verdicts {purpose}".encode(), "sha256")


def sign(key: bytes, message: bytes) -> bytes:
    """32 hexadecimal digits that authenticate the message."""
    # Keyed BLAKE2b is a MAC by itself and takes a third of the time of HMAC with SHA-256.
    return blake2b(message, key=key, digest_size=16).hexdigest().encode()


def verify(keys: Sequence[bytes], message: bytes, signature: bytes) -> bool:
    """Whether one of the keys signed the message."""
    return any(hmac.compare_digest(sign(key, message), signature) for key in keys)
