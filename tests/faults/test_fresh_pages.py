"""Fault 24: pages are read while their files are behind, or nothing is applied."""

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from streams.api.voting.vote_service import TALLY_SECONDS
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.content import TOOLS, catalog_events
from tests.faults.harness.system import PUBLIC_URL, System
from tests.harness.services import Service
from tests.harness.waiting import wait_until

Report = Callable[[Figures], None]

VOTES = 60
PAGES = ("/tools/{tool}/", "/compare/tool-a-vs-tool-f/", "/categories/tools/", "/")


def test_a_page_fetched_after_an_answer_shows_the_vote_whatever_the_publisher_does(
    chances: random.Random, system: System, report: Report
) -> None:
    """It runs, hangs, dies and was never started; several API processes serve the pages."""
    _, url = system.api()
    _, other = system.api()
    system.http_client(url).send_until_acknowledged(catalog_events())
    system.worker()
    system.caught_up()
    with _browser(url) as voter, _browser(other) as reader:
        _vote_and_read(voter, [voter, reader], chances)
        publisher = system.publisher()
        wait_until("pages are stored", (system.folder / "site/tools/tool-a/index.html").exists)
        _vote_and_read(voter, [voter, reader], chances)
        publisher.pause()
        _vote_and_read(voter, [voter, reader], chances)
        publisher.kill()
        _vote_and_read(voter, [voter, reader], chances)
    report(system.judged("24 pages behind", 0.0, f"{4 * VOTES} votes, each read at once"))


def test_while_nothing_is_applied_answers_do_not_wait_and_say_so(
    chances: random.Random, system: System, report: Report
) -> None:
    _, url = system.api()
    system.http_client(url).send_until_acknowledged(catalog_events())
    worker = system.worker()
    system.caught_up()
    with _browser(url) as voter:
        assert "pending" not in _vote(voter, TOOLS[0], "ship")
        _with_paused(worker, voter)
        wait_until(
            "votes are counted again",
            lambda: "pending" not in _vote(voter, TOOLS[0], chances.choice(("ship", "skip"))),
        )
    seconds = system.caught_up()
    report(system.judged("24 nothing is applied", seconds))


def _with_paused(worker: Service, voter: httpx.Client) -> None:
    worker.pause()
    waits = []
    for number in range(6):
        began = time.monotonic()
        assert _vote(voter, TOOLS[0], ("skip", "ship")[number % 2])["pending"] is True
        waits.append(time.monotonic() - began)
    # All votes of one voter are in one partition, and only the first of them waits.
    assert waits[0] > TALLY_SECONDS * 0.9
    assert sum(waits[1:]) < TALLY_SECONDS * (len(waits) - 1)
    worker.resume()


@contextmanager
def _browser(url: str) -> Iterator[httpx.Client]:
    headers = {"Host": PUBLIC_URL.removeprefix("http://"), "Origin": PUBLIC_URL}
    with httpx.Client(base_url=url, timeout=30, trust_env=False, headers=headers) as client:
        yield client


def _vote_and_read(
    voter: httpx.Client, readers: list[httpx.Client], chances: random.Random
) -> None:
    for _ in range(VOTES):
        tool = chances.choice((TOOLS[0], TOOLS[-1]))
        answer = _vote(voter, tool, chances.choice(("ship", "skip")))
        assert "pending" not in answer
        community = answer["community"]
        shown = f"{community['ship']} ship / {community['skip']} skip"
        reader, path = chances.choice(readers), chances.choice(PAGES[:2]).format(tool=tool)
        page = reader.get(path)
        assert page.status_code == 200
        assert shown in _text(page.text), (path, shown)
        for summary in PAGES[2:]:
            assert reader.get(summary).status_code == 200


def _vote(voter: httpx.Client, tool: str, choice: str) -> dict[str, Any]:
    answer = voter.put(f"/v1/tools/{tool}/vote", json={"choice": choice})
    assert answer.status_code == 200, answer.text
    # The voter's cookie has no domain, and the address is not the site's.
    if cookie := answer.headers.get("set-cookie"):
        voter.headers["Cookie"] = cookie.partition(";")[0]
    body: dict[str, Any] = answer.json()
    return body


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))
