"""The site for browser tests: real pages, and a fake API."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from playwright.sync_api import Request, Route

from infra.http.page_headers import PAGE_HEADERS
from infra.settings import Settings
from publishers.content.in_memory_content import InMemoryContent
from publishers.views.search.search import SUGGESTIONS
from publishers.web.responses import SiteResponse
from publishers.web.site import Site
from tests.harness.digest_records import content_with_digests

SITE = "http://site.example"
NOWHERE = "/nonexistent"
COMPARISON = "/compare/claude-4-api-vs-smolvlm-2-5/"
SMOLVLM = "smolvlm-2-5"


class Api:
    """Answers as the API does: with the status `failure` if set; `hold` keeps a vote waiting."""

    def __init__(self) -> None:
        self.content = content_with_digests()
        self.tallies = {
            tool.tool: {"ship": tool.community.ship, "skip": tool.community.skip}
            for tool in self.content.tools()
        }
        self.bookmarks = {tool.tool: tool.bookmarks for tool in self.content.tools()}
        self.votes: dict[str, str] = {}
        self.saved: list[str] = []
        self.version = 10
        self.failure = 0
        self.problem = {"title": "Failure"}
        self.held: Any = None
        self.hold = False
        self.asked: list[str] = []
        self._site = Site(Settings.from_environment({"VERDICTS_DATA": NOWHERE}), self._open)

    @contextmanager
    def _open(self) -> Iterator[InMemoryContent]:
        yield self.content

    def serve(self, route: Route) -> None:
        request = route.request
        path, _, query = request.url.removeprefix(SITE).partition("?")
        self.asked.append(f"{request.method} {path}")
        if path.startswith("/v1/"):
            self._api(route, request.method, path)
        else:
            answer = self._page(path, dict(parse_qsl(query)))
            headers = {**PAGE_HEADERS, "Content-Type": answer.media_type}
            route.fulfill(status=answer.status, body=answer.body, headers=headers)

    def _page(self, path: str, query: dict[str, str]) -> SiteResponse:
        if path == "/search/":
            return self._site.search(query.get("q", ""), query.get("with", ""))
        if path == SUGGESTIONS:
            return self._site.suggest(query.get("q", ""), query.get("with", ""))
        if path == "/bookmarks/":
            return self._site.bookmarks(self.saved)
        return self._site.serve(path)

    def _api(self, route: Route, method: str, path: str) -> None:
        if path == "/v1/changes":
            events = [f"event: tally\ndata: {json.dumps(self.tally(t))}\n\n" for t in self.tallies]
            route.fulfill(body="retry: 50\n" + "".join(events), content_type="text/event-stream")
        elif path == "/v1/me":
            route.fulfill(json={"votes": self.votes, "bookmarks": self.saved})
        elif path == "/v1/bookmarks":
            tools = [tool for slug in self.saved if (tool := self.content.tool(slug))]
            bookmarked = [
                {
                    "tool": tool.tool,
                    "name": tool.name,
                    "path": f"/tools/{tool.tool}/",
                    "panel_verdict": tool.panel.verdict,
                }
                for tool in tools
            ]
            route.fulfill(status=self.failure or 200, json={"items": bookmarked})
        elif self.failure:
            route.fulfill(status=self.failure, json=self.problem)
        elif self.hold:
            self.held = route
        else:
            self._take(route.request, method, path)
            route.fulfill(json=self.tally(path.split("/")[3]))

    def _take(self, request: Request, method: str, path: str) -> None:
        self.version += 1
        slug = path.split("/")[3]
        if path.endswith("/vote"):
            if before := self.votes.pop(slug, None):
                self.tallies[slug][before] -= 1
            if method == "PUT":
                choice = json.loads(request.post_data or "")["choice"]
                self.votes[slug] = choice
                self.tallies[slug][choice] += 1
        elif method == "PUT":
            self.saved.append(slug)
            self.bookmarks[slug] += 1
        else:
            self.saved.remove(slug)
            self.bookmarks[slug] -= 1

    def tally(self, slug: str) -> dict[str, Any]:
        return {
            "tool": slug,
            "community": self.tallies[slug],
            "bookmarks": self.bookmarks[slug],
            "version": self.version,
        }
