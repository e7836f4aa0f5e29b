"""The section of a digest mail on the tools that its reader saved."""

import email
import email.policy
import json
import signal
import subprocess
import urllib.request
from typing import Any

import pytest
from sqlalchemy import Engine

from schemas.time import weeks
from tests.harness.examples import (
    a_bookmark,
    a_category,
    a_listing,
    a_merge,
    a_removed_bookmark,
    a_retirement,
    a_review,
    a_reviewer,
)
from tests.harness.journal import Journal
from tests.harness.services import ROOT, verdicts
from tests.harness.waiting import wait_until
from tests.publishers.mailer.conftest import WEEK, Mailing

pytestmark = pytest.mark.integration

MONDAY = weeks.span(WEEK)[0]
BEFORE, IN_THE_WEEK = MONDAY - 1_000_000, MONDAY + 1_000_000
HEADING = "TOOLS YOU KEEP"


def open_account(mailing: Mailing, address: str, voter: str) -> None:
    mailing.execute(
        "insert into verdicts.accounts (address, canonical, voter) values (%s, lower(%s), %s)",
        address,
        address,
        voter,
    )


def list_tools(journal: Journal) -> None:
    """Patchwork is in the digest; `quiet` has no news, `read` a review, `gone` was retired."""
    journal.apply(
        a_category(time=BEFORE),
        a_reviewer(time=BEFORE),
        a_listing("patchwork", "Patchwork", time=BEFORE),
        a_listing("quiet", "Quiet", time=BEFORE),
        a_listing("read", "Read", time=BEFORE),
        a_listing("gone", "Gone", time=BEFORE),
        a_review(73, tool="read", time=IN_THE_WEEK),
        a_retirement("gone", time=IN_THE_WEEK),
    )


def section_of(mailing: Mailing, recipient: str) -> tuple[str, str]:
    """The section in the plain text and in the HTML of the one mail to an address."""
    parts = mailing_parts(mailing, recipient)
    plain = parts["plain"].partition(HEADING)[2].partition("PANEL VERDICTS")[0]
    html = parts["html"].partition("Tools you keep")[2].partition("Panel verdicts")[0]
    return plain, html


def mailing_parts(mailing: Mailing, recipient: str) -> dict[str, str]:
    messages: list[Any] = [
        email.message_from_bytes(content, policy=email.policy.default)
        for content in mailing.mails()
    ]
    (message,) = [each for each in messages if str(each["To"]) == recipient]
    return {kind: message.get_body((kind,)).get_content() for kind in ("plain", "html")}


def test_an_account_reads_first_what_changed_for_its_bookmarks(
    mailing: Mailing, engine: Engine
) -> None:
    journal = Journal(engine)
    list_tools(journal)
    journal.apply(
        *(
            a_bookmark(tool=tool, voter="ada")
            for tool in ("patchwork", "quiet", "read", "gone", "let-go")
        ),
        a_removed_bookmark(tool="patchwork", voter="bob", time=IN_THE_WEEK),
        a_bookmark(tool="quiet", voter="bob"),
    )
    mailing.freeze()
    mailing.subscribe("Ada@example.com", "bob@example.com", "eve@example.com")
    open_account(mailing, "Ada@example.com", "ada")
    open_account(mailing, "bob@example.com", "bob")
    mailing.json("send", WEEK)
    mailing.start()
    wait_until("all are sent", lambda: mailing.states() == {"sent": 3})
    for part in section_of(mailing, "Ada@example.com"):
        places = [part.index(name) for name in ("Gone", "Patchwork", "Read")]
        assert places == sorted(places)
        for news in ("Retired: Its maker closed it.", "73/100 · ship", "was 47.5"):
            assert news in part
        assert "Quiet" not in part
        assert "/tools/patchwork/" in part
        assert "/tools/gone/" not in part
    for recipient in ("bob@example.com", "eve@example.com"):
        for part in mailing_parts(mailing, recipient).values():
            assert HEADING.lower() not in part.lower()
            assert "verdicts-field" not in part


def test_a_bookmark_of_a_merged_tool_counts_for_the_tool_that_it_is_now(
    mailing: Mailing, engine: Engine
) -> None:
    journal = Journal(engine)
    list_tools(journal)
    journal.apply(
        a_bookmark(tool="read", voter="ada"),
        a_merge("read", "patchwork", time=IN_THE_WEEK),
    )
    mailing.freeze()
    mailing.subscribe("ada@example.com")
    open_account(mailing, "ada@example.com", "ada")
    mailing.json("send", WEEK)
    mailing.start()
    wait_until("it is sent", lambda: mailing.states() == {"sent": 1})
    for part in section_of(mailing, "ada@example.com"):
        assert "Patchwork" in part


def test_a_copy_has_the_section_of_its_readers_account(mailing: Mailing, engine: Engine) -> None:
    journal = Journal(engine)
    list_tools(journal)
    journal.apply(a_bookmark(tool="read", voter="ada"))
    mailing.freeze()
    open_account(mailing, "ada@example.com", "ada")
    mailing.json("send", WEEK, "--to", "Ada@example.com")
    mailing.start()
    wait_until("it is written", mailing.mails)
    plain, html = section_of(mailing, "Ada@example.com")
    assert "73/100" in plain
    assert "73/100" in html


def test_a_preview_shows_the_mail_in_the_browser_and_sends_nothing(
    mailing: Mailing, engine: Engine
) -> None:
    list_tools(Journal(engine))
    mailing.freeze()
    process = subprocess.Popen(
        verdicts("mail", "preview", WEEK, "--saved", "read", "--json"),
        env={**mailing.environment(), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        url = json.loads(process.stdout.readline())["url"]
        pages = {
            name: urllib.request.urlopen(url + name).read().decode()
            for name in ("", "mail.html", "mail.txt")
        }
        assert '<iframe src="/mail.html" width="600"' in pages[""]
        for name in ("mail.html", "mail.txt"):
            assert "73/100" in pages[name]
            assert "Patchwork" in pages[name]
            assert "verdicts-field" not in pages[name]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert mailing.states() == {}


def test_a_preview_of_a_week_without_a_digest_is_refused(mailing: Mailing) -> None:
    completed = mailing.run("preview", "2026-W01")
    assert completed.returncode == 1
    assert "2026-W01 has no digest" in completed.stderr
