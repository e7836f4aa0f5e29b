"""The API on fakes, without servers."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from infra.kafka.producer import FakeProducer
from infra.settings import Settings
from schemas.records import Category, Tool
from streams.api.accounts.sessions.session_lookup import FakeSessions
from streams.api.auth.tokens import FakeTokens
from streams.api.ingest.event_clock import FakeClock
from streams.api.read_model import FakeReadModel
from streams.api.routes import application
from streams.api.status.status_probe import FakeObserver
from streams.api.wiring import Components, Fakes, build
from tests.harness import records

HOST = "http://127.0.0.1:8080"


def a_tool_of(slug: str = "alpha", **differs: Any) -> Tool:
    tool = records.a_tool(
        slug,
        slug.title(),
        category=Category("editors", "Editors", "", 1),
        tagline="Writes.",
        description="It writes.",
        pricing="Free.",
        best_for="Writing",
        listed=datetime(2025, 11, 1, tzinfo=UTC),
        version=7,
    )
    return msgspec.structs.replace(tool, **differs)


class Timer:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class FakeApi:
    """The API on fakes, and a client.

    Attributes:
        fakes: The dependencies.
        components: The components on them.
        client: Sends requests to the application.
    """

    def __init__(self, environ: dict[str, str] | None = None) -> None:
        variables = {
            "VERDICTS_SECRET_KEY": "signs cookies in tests",
            "VERDICTS_VOTER_KEY": "hides voters in tests",
            **(environ or {}),
        }
        self.settings = Settings.from_environment(variables)
        retired = datetime(2025, 11, 2, tzinfo=UTC)
        self.fakes = Fakes(
            tokens=FakeTokens(editor="editor", gateway="gateway", other="gateway", admin="admin"),
            sessions=FakeSessions(),
            producer=FakeProducer(),
            read_model=FakeReadModel(
                a_tool_of("alpha"),
                a_tool_of("beta"),
                a_tool_of("gone", retired=retired, retired_reason="x"),
            ),
            observer=FakeObserver(),
            clock=FakeClock(),
        )
        self.components: Components = build(self.settings, self.fakes.dependencies)
        self.client = TestClient(
            application(self.components), base_url=HOST, raise_server_exceptions=False
        )

    @property
    def sent(self) -> list[Any]:
        return self.fakes.producer.sent

    def events(self) -> list[Any]:
        codec = self.fakes.dependencies.codec
        return [codec.decode(record.topic, record.value) for record in self.sent]

    def apply_all(self, *partitions: tuple[str, int]) -> None:
        """Set the watermarks as if everything were applied."""
        for topic, partition in partitions:
            self.components.progress.applied.set((topic, partition), 10_000)


@pytest.fixture
def make_api() -> Iterator[Callable[..., FakeApi]]:
    opened: list[FakeApi] = []

    def make(**environ: str) -> FakeApi:
        api = FakeApi(environ)
        api.client.__enter__()
        opened.append(api)
        return api

    yield make
    for api in opened:
        api.client.__exit__(None, None, None)


@pytest.fixture
def api(make_api: Callable[..., FakeApi]) -> FakeApi:
    return make_api()


@pytest.fixture
def a_tool() -> Callable[..., Tool]:
    """A tool's record, of which a test states only what differs."""
    return a_tool_of
