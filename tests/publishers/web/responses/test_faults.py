"""What every response has, and what is served when something fails."""

import pytest
from sqlalchemy.exc import OperationalError

from tests.publishers.web.site_fixture import COMPARISON, SiteFixture


@pytest.mark.parametrize("path", ["/", "/nowhere/", "/tools/longgone/", "/about", "/bookmarks/"])
def test_every_response_has_the_security_headers(site: SiteFixture, path: str) -> None:
    headers = site.client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_the_site_changes_nothing(site: SiteFixture) -> None:
    for path in ("/tools/smolvlm-2-5/", "/compare/", "/nowhere/"):
        answer = site.client.request("POST", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "This page can only be read" in answer.text


def test_without_a_database_stored_pages_are_served_and_others_are_503(site: SiteFixture) -> None:
    site.publish()
    site.fault = OperationalError("select", {}, Exception("secret details"))
    assert site.client.get(COMPARISON).status_code == 200
    answer = site.client.get("/compare/plainly-vs-smolvlm-2-5/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_crash_shows_a_page_and_no_trace(site: SiteFixture) -> None:
    site.fault = RuntimeError("secret details")
    answer = site.client.get("/")
    assert answer.status_code == 500
    assert "our fault; no votes are lost" in answer.text
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
