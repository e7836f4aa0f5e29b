"""Formats that outlive a release: cookies in browsers, pseudonyms on the log."""

from streams.api.auth.csrf import CsrfTokens
from streams.api.auth.voter_cookie import Voter, VoterCookies

VOTER = Voter("AAECAwQFBgcICQoLDA0ODw", 1_763_632_800_000_000)
COOKIE = "1.AAECAwQFBgcICQoLDA0ODw.64403c28ee800.22fd7d8d3c86eb89ccdc513ce260558e"
CSRF_TOKEN = "1c083f6.327c9be966856e0fd2823de37c751ba6"


def cookies(*secret_keys: str, secure: bool = False) -> VoterCookies:
    return VoterCookies(secret_keys, "v0ter", secure=secure)


def test_a_cookie_of_an_earlier_release_stays_valid() -> None:
    headers = {b"cookie": f"other=1; verdicts_voter={COOKIE}".encode()}
    assert cookies("new", "old").read(headers) == VOTER


def test_a_cookie_is_written_as_by_earlier_releases() -> None:
    assert cookies("old").set_cookie(VOTER) == (
        f"verdicts_voter={COOKIE}; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax"
    )
    secure = cookies("old", secure=True).set_cookie(VOTER)
    assert secure.startswith(f"__Host-verdicts_voter={COOKIE}; ")
    assert secure.endswith("; Secure")


def test_pseudonyms_never_change() -> None:
    voters = cookies("any")
    assert voters.pseudonym(VOTER) == "4gPG6MeuvZ6teOPsV0ueCw"
    assert voters.gateway_pseudonym("app", "v-81") == "nlldP8POWN2ALTROSlIOFQ"


def test_a_csrf_token_of_an_earlier_release_stays_valid() -> None:
    tokens = CsrfTokens(["new", "old"])
    assert tokens.is_valid(CSRF_TOKEN, VOTER, "/vote alpha ship", VOTER.last)
    assert not tokens.is_valid(CSRF_TOKEN, None, "/vote alpha ship", VOTER.last)
    assert not tokens.is_valid(CSRF_TOKEN, VOTER, "/vote alpha skip", VOTER.last)
