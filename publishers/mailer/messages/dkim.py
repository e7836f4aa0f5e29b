"""DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed, with RSA or Ed25519."""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from infra.errors import VerdictsError
from publishers.render_cache import part_cache

LEAST_RSA_BITS = 1024
# Named once more than they occur, so that nobody can add another one to a signed mail.
OVERSIGNED = (
    b"From",
    b"To",
    b"Subject",
    b"Date",
    b"Message-ID",
    b"MIME-Version",
    b"Content-Type",
    b"List-Id",
    b"List-Unsubscribe",
    b"List-Unsubscribe-Post",
    b"Auto-Submitted",
)
_SPACES = re.compile(rb"[ \t]+")
_TRAILING = re.compile(rb"[ \t]+(?=\r\n)")
_LINE = 70

Header = tuple[bytes, bytes]
"""Name and value; the value may be folded and has no line end."""


class DkimKeyError(VerdictsError):
    """The key cannot be used; the message says why."""


class DkimSigner:
    """Signs mails of one domain.

    Args:
        domain: The signing domain, that of the sender.
        selector: Names the key in the DNS.
        key: The private key.
    """

    def __init__(self, domain: str, selector: str, key: RSAPrivateKey | Ed25519PrivateKey) -> None:
        self._key = key
        self.algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"
        self._domain, self._selector = domain, selector

    @classmethod
    def from_file(cls, path: Path, domain: str, selector: str) -> "DkimSigner":
        """Read a PEM file.

        Raises:
            DkimKeyError: The file cannot be read, or holds no private key that DKIM knows.
        """
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise DkimKeyError(
                f"VERDICTS_DKIM_KEY, {path}, cannot be read: {error.strerror}."
            ) from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise DkimKeyError(
                f"VERDICTS_DKIM_KEY, {path}, holds no private key in PEM without a password."
            ) from error
        if isinstance(key, RSAPrivateKey):
            if key.key_size < LEAST_RSA_BITS:
                raise DkimKeyError(
                    f"VERDICTS_DKIM_KEY has {key.key_size} bits; make one of 2048 bits."
                )
        elif not isinstance(key, Ed25519PrivateKey):
            raise DkimKeyError("VERDICTS_DKIM_KEY is neither an RSA nor an Ed25519 key.")
        return cls(domain, selector, key)

    @property
    def record(self) -> str:
        """What `selector._domainkey.domain` must say in the DNS."""
        public = self._key.public_key()
        if isinstance(self._key, RSAPrivateKey):
            data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"v=DKIM1; k=rsa; p={base64.b64encode(data).decode()}"
        data = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(data).decode()}"

    def sign(self, headers: Sequence[Header], body_hash: bytes, now: int) -> bytes:
        """The signature's header line, with its line end.

        Args:
            headers: All headers of the mail, top to bottom.
            body_hash: SHA-256 of the body, see `canonical_body`.
            now: Seconds since 1970.
        """
        names, signed = _select(headers)
        start = (
            f"v=1; a={self.algorithm}; c=relaxed/relaxed; d={self._domain}; s={self._selector};\r\n"
            f" t={now}; h={_wrapped(names)};\r\n bh={base64.b64encode(body_hash).decode()};\r\n b="
        ).encode()
        signed.append(canonical_header(b"DKIM-Signature", start))
        signature = self._sign(b"\r\n".join(signed))
        text = base64.b64encode(signature).decode()
        lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
        return b"DKIM-Signature: " + start + "\r\n ".join(lines).encode() + b"\r\n"

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(message, padding.PKCS1v15(), SHA256())
        return self._key.sign(hashlib.sha256(message).digest())


@part_cache.by_value  # most headers are the same in all mails of an issue
def canonical_header(name: bytes, value: bytes) -> bytes:
    """A header in relaxed form, without a line end."""
    unfolded = _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip()
    return name.lower() + b":" + unfolded


def canonical_body(body: bytes) -> bytes:
    """A body in relaxed form, or a part of one that begins and ends with a line."""
    return _SPACES.sub(b" ", _TRAILING.sub(b"", body))


def hash_body(body: bytes) -> bytes:
    """SHA-256 of a whole body in relaxed form."""
    lines = canonical_body(body).rstrip(b"\r\n")
    return hashlib.sha256(lines + b"\r\n" if lines else b"").digest()


def sign_message(signer: DkimSigner, content: bytes, now: int) -> bytes:
    """A whole mail with its signature on top; `now` in seconds since 1970."""
    head, _, body = content.partition(b"\r\n\r\n")
    headers: list[Header] = []
    for line in re.split(rb"\r\n(?![ \t])", head):
        name, _, value = line.partition(b":")
        headers.append((name, value))
    return signer.sign(headers, hash_body(body), now) + content


def _select(headers: Sequence[Header]) -> tuple[list[bytes], list[bytes]]:
    """The names for `h=`, and the canonical headers in that order, from the bottom up."""
    named: dict[bytes, list[bytes]] = {}
    for name, value in reversed(headers):
        named.setdefault(name.lower(), []).append(value)
    names: list[bytes] = []
    signed: list[bytes] = []
    for wanted in OVERSIGNED:
        for value in named.get(wanted.lower(), ()):
            names.append(wanted)
            signed.append(canonical_header(wanted, value))
        names.append(wanted)
    return names, signed


def _wrapped(names: Sequence[bytes]) -> str:
    """Names by colons, in lines that stay below the usual length."""
    groups = [names[at : at + 4] for at in range(0, len(names), 4)]
    return ":\r\n ".join(b":".join(group).decode() for group in groups)
