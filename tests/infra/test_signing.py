"""Signed tokens: bound to one purpose, valid until they expire, readable while keys rotate."""

import pytest

from infra.signing import ExpiredTokenError, InvalidTokenError, TokenSigner

NEW, OLD = "a new key of many characters", "an old key of many characters"
NOON = 1_800_000_000


def test_a_token_gives_its_payload_back() -> None:
    signer = TokenSigner([NEW], "confirmation")
    assert signer.read(signer.issue("abc-2"), NOON) == "abc-2"
    assert signer.read(signer.issue("abc-2", expires=NOON), NOON) == "abc-2"


def test_a_token_expires() -> None:
    signer = TokenSigner([NEW], "confirmation")
    with pytest.raises(ExpiredTokenError, match="expired"):
        signer.read(signer.issue("abc", expires=NOON), NOON + 1)


def test_a_token_is_bound_to_its_purpose() -> None:
    token = TokenSigner([NEW], "confirmation").issue("abc")
    with pytest.raises(InvalidTokenError):
        TokenSigner([NEW], "unsubscribe").read(token, NOON)


def test_a_rotated_key_still_reads_and_the_first_key_signs() -> None:
    token = TokenSigner([OLD], "preferences").issue("abc")
    rotated = TokenSigner([NEW, OLD], "preferences")
    assert rotated.read(token, NOON) == "abc"
    with pytest.raises(InvalidTokenError):
        TokenSigner([OLD], "preferences").read(rotated.issue("abc"), NOON)


def test_a_changed_token_is_invalid() -> None:
    signer = TokenSigner([NEW], "confirmation")
    token = signer.issue("abc", expires=NOON)
    payload, expiry, signature = token.split(".")
    changed = [
        "",
        "x" * 10_000,
        token[:-1],
        token + "\n",
        f"abd.{expiry}.{signature}",
        f"abc.f{expiry}.{signature}",
        f"{payload}.{signature}",
        token[:-1] + "é",
    ]
    for other in changed:
        with pytest.raises(InvalidTokenError):
            signer.read(other, NOON)


def test_the_longest_payload_of_a_return_path_fits_into_a_local_part() -> None:
    assert len("bounce+" + TokenSigner([NEW], "bounce").issue("a" * 24)) == 64


@pytest.mark.parametrize("payload", ["", "a.b", "ä", "a b", "a" * 4097])
def test_other_payloads_cannot_be_issued(payload: str) -> None:
    with pytest.raises(ValueError, match="4,096"):
        TokenSigner([NEW], "confirmation").issue(payload)
