"""The API with a real database for subscriptions, and the site's own pages."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from projections.private.subscribers.addresses import parse_address
from projections.private.subscribers.links import SubscriptionLinks
from publishers.pages.html.api_pages import ApiPages
from streams.api.private_store import DatabasePrivateStore
from streams.api.routes import application
from streams.api.wiring import build
from tests.streams.api.conftest import HOST, FakeApi

JANE = "Jane.Doe@example.com"


class Readers:
    """Readers in front of the subscription pages.

    Attributes:
        client: Sends requests, and follows no redirect.
        engine: The database.
        links: Issues the tokens that mails carry.
    """

    def __init__(self, api: FakeApi, engine: Engine) -> None:
        self.clock = api.fakes.clock
        self.engine = engine
        settings = api.settings
        self.links = SubscriptionLinks(settings.secret_keys, settings.voter_key)
        self.private = DatabasePrivateStore(engine)
        dependencies = msgspec.structs.replace(
            api.fakes.dependencies, private=self.private, pages=ApiPages(settings.public_url)
        )
        app = application(build(settings, dependencies))
        self.client = TestClient(
            app, base_url=HOST, raise_server_exceptions=False, follow_redirects=False
        )

    def post(self, email: str = JANE, **more: Any) -> Any:
        self.clock.move(0.001)
        return self.client.post("/v1/subscriptions", json={"email": email, **more})

    def mails(self) -> list[tuple[str, str]]:
        """Recipient and path of each queued mail, the oldest first."""
        rows = "select recipient, fields ->> 'path' from verdicts.outgoing_mail order by id"
        with self.engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(text(rows))]

    def rows(self) -> list[Any]:
        with self.engine.connect() as connection:
            query = text("select * from verdicts.subscribers order by canonical")
            return list(connection.execute(query).all())

    def state(self) -> list[Any]:
        """Every row that a request could change."""
        queries = ("subscribers", "suppressions", "outgoing_mail", "hourly_counts")
        with self.engine.connect() as connection:
            return [
                list(connection.execute(text(f"select * from verdicts.{table} order by 1, 2")))
                for table in queries
            ]

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock() / 1_000_000, UTC)

    def day(self, days: int) -> date:
        return (self.now() + timedelta(days=days)).date()

    def id_of(self, email: str = JANE) -> str:
        return self.links.id_of(parse_address(email))

    def token(self, email: str = JANE) -> str:
        return self.links.preferences_token(self.id_of(email), self.clock() // 1_000_000)

    def confirm(self, path: str | None = None) -> Any:
        """Press the button of the newest mail's page."""
        token = token_of(path or self.mails()[-1][1])
        return self.client.post("/subscriptions/confirm/", data={"token": token})

    def subscribe(self, email: str = JANE, **more: Any) -> str:
        """Subscribe and confirm; the token of the preferences."""
        assert self.post(email, **more).status_code == 202
        self.confirm()
        return self.token(email)

    def act(self, token: str, action: str, **fields: Any) -> Any:
        data = {"token": token, "action": action, **fields}
        return self.client.post("/subscriptions/", data=data)


def token_of(path: str) -> str:
    return parse_qs(urlsplit(path).query)["token"][0]


@pytest.fixture
def readers(make_api: Callable[..., FakeApi], projected: Engine) -> Iterator[Readers]:
    readers = Readers(make_api(), projected)
    with readers.client:
        yield readers
    readers.private.close()
