"""A running site with its pages, and an ordinary reader of it."""

import json
from itertools import count, pairwise
from typing import Any

import httpx
import psutil

from infra.embedded.process import Spawn
from publishers.content.database_content import open_snapshot
from publishers.pages import catalogue
from schemas.topics import DEAD_LETTERS_PARTITION
from tests.faults.harness.content import REVIEWERS, TOOLS, catalog_events
from tests.faults.harness.hostile.requests import Known
from tests.faults.harness.system import System
from tests.harness.examples import a_category, a_listing
from tests.harness.waiting import wait_until

STEADY_TOOL = "steady"
"""The tool of ordinary readers; no hostile event names it."""
VOTERS = 60
LIMITS = {
    # Hostile requests make voters, and an ordinary one must still get in.
    "VERDICTS_NEW_VOTERS_PER_HOUR": "1000000",
    "VERDICTS_VOTER_CHANGES_PER_MINUTE": "60",
}


class LiveSite:
    """An API, a worker and a publisher, with a small catalog whose pages are written.

    Args:
        system: Where they run.
        spawn: Starts its clients, which end with the tests.
    """

    def __init__(self, system: System, spawn: Spawn) -> None:
        self.system = system
        self.spawn = spawn
        self.api, self.url = system.api(variables=LIMITS)
        self.port = int(self.url.rpartition(":")[2])
        self.host = f"127.0.0.1:{self.port}"
        self.services = [self.api, system.worker(), system.publisher()]
        self._pids = [service.pid for service in self.services]
        self._votes = count()
        client = system.http_client(self.url)
        client.send_until_acknowledged(
            [
                *catalog_events(),
                a_category("calm", "Calm"),
                a_listing(STEADY_TOOL, "Steady", "calm"),
            ]
        )
        self.cookies = [self._sign_cookie() for _ in range(VOTERS)]
        self.wait_for_pages()
        self.known = self._find_known()

    def wait_for_pages(self, seconds: float = 60) -> None:
        """Wait until everything is applied, and every page written."""
        self.system.caught_up(seconds)
        wait_until("every page is written", lambda: not self._dirty, seconds=seconds)

    @property
    def _dirty(self) -> int:
        return self.system.number("select count(*) from verdicts.dirty")

    def _find_known(self) -> Known:
        """What hostile clients know, before they change anything."""
        with open_snapshot(self.system.engine) as content:
            pages = catalogue.page_paths(content)
        return Known(
            self.host,
            self.system.token,
            self.cookies,
            {
                "tool": TOOLS,
                "pair": [f"{first}-vs-{second}" for first, second in pairwise(TOOLS)],
                "category": ("tools",),
                "reviewer": REVIEWERS,
                "week": ("2026-W47",),
                "path": [page.strip("/") for page in pages],
            },
        )

    @property
    def memory(self) -> int:
        """Resident bytes of the API."""
        return int(psutil.Process(self.api.pid).memory_info().rss)

    @property
    def connections(self) -> int:
        """Open connections to the API's port, as the API has them."""
        return sum(
            connection.laddr.port == self.port and connection.status != psutil.CONN_LISTEN
            for connection in psutil.Process(self.api.pid).net_connections("tcp")
        )

    def require_well(self) -> None:
        """No process has ended, nothing is stuck, and an ordinary vote reaches its page."""
        for service, pid in zip(self.services, self._pids, strict=True):
            assert service.running, service.tail
            assert service.pid == pid
            assert "Traceback" not in service.logged, service.tail
        wait_until("the API has closed all connections", lambda: self.connections == 0)
        self.wait_for_pages()
        dead_letters = self.system.log.ends([DEAD_LETTERS_PARTITION])[DEAD_LETTERS_PARTITION]
        assert dead_letters == 0, "an accepted event could not be applied"
        wait_until("the status is ok", self._status, lambda status: status["status"] == "ok")
        self._vote()

    def _vote(self) -> None:
        """Vote as a browser does, and read the vote on the tool's page."""
        choice = ("ship", "skip")[next(self._votes) % 2]
        answer = httpx.put(
            f"{self.url}/v1/tools/{STEADY_TOOL}/vote",
            content=json.dumps({"choice": choice}),
            headers={"Origin": self.url, "Cookie": self.cookies[0]},
            trust_env=False,
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["choice"] == choice
        community = answer.json()["community"]
        tally = f"{community['ship']} ship / {community['skip']} skip"
        wait_until("the page shows the vote", lambda: tally in self._page())

    def _status(self) -> dict[str, Any]:
        return httpx.get(f"{self.url}/status", trust_env=False, timeout=30).json()

    def _page(self) -> str:
        page = httpx.get(f"{self.url}/tools/{STEADY_TOOL}/", trust_env=False, timeout=30)
        assert page.status_code == 200
        return page.text

    def _sign_cookie(self) -> str:
        voters = self.system.voter_cookies
        return voters.set_cookie(voters.create_voter()).partition(";")[0]
