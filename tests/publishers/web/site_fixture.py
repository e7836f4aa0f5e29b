"""The site on sample records, and a browser without a network."""

import asyncio
import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.types import ASGIApp

from infra.settings import Settings
from projections.write.dirty_records import Mark
from publishers.build.site_files import SiteFiles
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from publishers.web.routes import SiteSource, site_app
from tests.harness.records import (
    sample_content,
)

COMPARISON = "/compare/claude-4-api-vs-smolvlm-2-5/"
THREE = "/compare/claude-4-api-vs-plainly-vs-smolvlm-2-5/"
Headers = dict[str, str] | None
FOUR = "/compare/claude-4-api-vs-patchwork-vs-plainly-vs-smolvlm-2-5/"


class Client:
    """A browser without a network: it calls the app itself and follows no redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def request(self, method: str, path: str, headers: Headers = None) -> httpx.Response:
        return asyncio.run(self.ask(method, path, headers))

    async def ask(self, method: str, path: str, headers: Headers = None) -> httpx.Response:
        url = httpx.URL("http://site.example").copy_with(raw_path=path.encode())
        async with httpx.AsyncClient(transport=self._transport) as client:
            return await client.request(method, url, headers=headers)

    def get(self, path: str, headers: Headers = None) -> httpx.Response:
        return self.request("GET", path, headers)


class SiteFixture:
    """A site on sample records: its folder, its client, and how often its content was opened."""

    def __init__(self, data: Path) -> None:
        self.settings = Settings.from_environment({"VERDICTS_DATA": str(data)})
        self.files = SiteFiles(data / "site")
        self.content = sample_content()
        self.marks: list[Mark] = []
        self.opened = 0
        self.fault: Exception | None = None
        self.hangs: threading.Event | None = None
        source = SiteSource(self.open_content, self.read_marks, self.read_version)
        app = site_app(self.settings, source, self.bookmarks_of)
        self.client = Client(app)

    @contextmanager
    def open_content(self) -> Iterator[InMemoryContent]:
        self.opened += 1
        if self.fault:
            raise self.fault
        if self.hangs:
            self.hangs.wait()
        yield self.content

    def read_marks(self, limit: int) -> list[Mark]:
        if self.fault:
            raise self.fault
        if self.hangs:
            self.hangs.wait()
        return self.marks[:limit]

    def read_version(self, slugs: Sequence[str]) -> Hashable:
        if self.fault:
            raise self.fault
        return id(self.content), *slugs

    async def bookmarks_of(self, request: Request) -> list[str]:
        return request.query_params.getlist("saved")

    def publish(self) -> None:
        for path in catalogue.page_paths(self.content):
            self.files.put(path, catalogue.render(self.content, path, self.settings.public_url))
