"""Fault 22: a mail provider's scanner follows every link of every mail before anybody does."""

import email
import email.policy
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from infra.embedded.orphan_guardian import Guardian
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.system import System
from tests.harness.chromium import launched
from tests.harness.waiting import Stopwatch, wait_until
from tests.publishers.mailer.conftest import VOTER_KEY, WEEK, Mailing

Report = Callable[[Figures], None]
KEYS = {"VERDICTS_SECRET_KEY": "signs nothing here", "VERDICTS_VOTER_KEY": VOTER_KEY}
AGENT = {"User-Agent": "Mozilla/5.0 (compatible; a mail provider's scanner)"}
# These change whatever anybody does.
OWN_PACE = {"heartbeats", "checkpoints"}
_CONFIRMED = """
select address from verdicts.subscribers where unsubscribed is null and confirmed is not null
"""
_TABLES = """
select schemaname, tablename from pg_tables
where schemaname = 'verdicts' or starts_with(schemaname, 'projections')
order by 1, 2
"""


@pytest.fixture
def mailing(system: System, guardian: Guardian, tmp_path: Path) -> Mailing:
    """A site whose mails go into a Maildir."""
    assert guardian
    mailing = Mailing(system.database, system.folder)
    mailing.settings |= KEYS
    mailing.freeze()
    return mailing


def test_a_scanner_that_follows_every_link_changes_no_row_and_uses_no_token_up(
    system: System, mailing: Mailing, report: Report
) -> None:
    url = _site(system, mailing)
    mails = _mail_of_each_kind(mailing, url)
    links = sorted({link for content in mails for link in _links(content, url)})
    kinds = ["confirm", "sign-in", "unsubscribe", "/subscriptions/?"]
    assert all(any(kind in link for link in links) for kind in kinds), links
    before, watch, requests = _rows(mailing), Stopwatch(), 0
    with httpx.Client(headers=AGENT, follow_redirects=True, trust_env=False) as scanner:
        for link in links * 2:
            for method in ("HEAD", "GET"):
                assert scanner.request(method, link).status_code < 500
                requests += 1
    with launched() as chromium:
        for script in (True, False):
            for link in links:
                context = chromium.new_context(java_script_enabled=script)
                context.new_page().goto(link, wait_until="networkidle")
                context.close()
                requests += 1
    after = _rows(mailing)
    changed = {table for table in before if before[table] != after[table]}
    assert changed == set()
    _require_that_tokens_work(mailing, url, links)
    seconds = watch.seconds
    note = f"{len(links)} links of {len(mails)} mails, {requests} requests"
    report(Figures("22 scanner", requests, 0, 0, 0, 0, 0, 0, len(changed), seconds, note))


def _site(system: System, mailing: Mailing) -> str:
    _, url = system.api(variables={**KEYS, "VERDICTS_PUBLIC_URL": ""})
    mailing.settings["VERDICTS_PUBLIC_URL"] = url
    system.worker(variables=KEYS)
    return url


def _mail_of_each_kind(mailing: Mailing, url: str) -> list[bytes]:
    """A confirmation, a link to sign in, a digest, and a copy of one."""
    mailing.subscribe("reader@example.com")
    for path in ("/v1/subscriptions", "/v1/sign-in"):
        answer = httpx.post(
            f"{url}{path}", json={"email": "new@example.com"}, headers={"Origin": url}
        )
        assert answer.status_code == 202, answer.text
    mailing.json("send", WEEK)
    mailing.json("send", WEEK, "--to", "editor@example.com")
    mailer = mailing.start()
    wait_until("all mails are written", lambda: len(mailing.mails()) == 4)
    wait_until("all outcomes are settled", lambda: mailing.states() == {"sent": 1})
    mailer.stop()
    return mailing.mails()


def _links(content: bytes, url: str) -> set[str]:
    """All links to the site, as both parts and the headers of a mail have them."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    texts = [str(value) for value in message.values()]
    texts += [str(part.get_content()) for part in message.walk() if not part.is_multipart()]
    unescaped = " ".join(texts).replace("&amp;", "&")
    return set(re.findall(re.escape(url) + r"/[^\s\"<>)]*", unescaped))


def _rows(mailing: Mailing) -> dict[str, list[str]]:
    """All rows of all tables, as text."""
    return {
        f"{schema}.{table}": sorted(
            row[0] for row in mailing.execute(f'select t::text from "{schema}"."{table}" as t')
        )
        for schema, table in mailing.execute(_TABLES)
        if table not in OWN_PACE
    }


def _require_that_tokens_work(mailing: Mailing, url: str, links: list[str]) -> None:
    """The person comes after the scanner."""
    with httpx.Client(base_url=url, headers={"Origin": url}, trust_env=False) as person:
        for path in ("/subscriptions/confirm/", "/sign-in/"):
            (link,) = [link for link in links if link.startswith(f"{url}{path}?token=")]
            token = urlsplit(link).query.removeprefix("token=")
            answer = person.post(path, data={"token": token})
            assert answer.status_code == 303, answer.text
        assert person.get("/me/").status_code == 200
        one_click = {"List-Unsubscribe": "One-Click"}
        for link in links:
            if urlsplit(link).path == "/subscriptions/unsubscribe/":
                assert httpx.post(link, data=one_click, trust_env=False).status_code == 200
    assert mailing.execute(_CONFIRMED) == [("new@example.com",)]
