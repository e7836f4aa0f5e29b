"""The API on a real database, with a log that is applied at once."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from infra.kafka.delivery import Outcome, Outgoing
from infra.kafka.producer import FakeProducer
from schemas.topics import BOOKMARKS, VOTES
from streams.api.accounts.sessions.session_lookup import CachedSessions
from streams.api.accounts.transfers.log_ends import FakeLogEnds
from streams.api.accounts.transfers.vote_transfers import VoteTransfers
from streams.api.ingest.event_clock import MonotonicClock
from streams.api.private_store import DatabasePrivateStore
from streams.api.read_model import DatabaseReadModel
from streams.api.routes import application
from streams.api.wiring import Components, Dependencies, build
from tests.harness.examples import a_listing
from tests.harness.journal import Journal
from tests.streams.api.conftest import HOST, FakeApi

HERE = {"Origin": HOST}


class ApplyingProducer(FakeProducer):
    """A producer whose records are applied before they are acknowledged.

    Attributes:
        refuse_after: How many more batches are taken; None: all.
    """

    def __init__(self, journal: Journal, codec: Any) -> None:
        super().__init__()
        self._journal = journal
        self._codec = codec
        self.refuse_after: int | None = None

    def send_all(self, records: Sequence[Outgoing]) -> "asyncio.Future[list[Outcome]]":
        if self.refuse_after is not None:
            self.refuse_after -= 1
            if self.refuse_after < 0:
                self.failure = self.failure_to_come
        return super().send_all(records)

    failure_to_come: Any = None

    def _append(self, record: Outgoing) -> Outcome:
        outcome = super()._append(record)
        if self.failure is None:
            self._journal.apply(self._codec.decode(record.topic, record.value))
        return outcome


class AccountsApi:
    """The API with accounts.

    Attributes:
        engine: The database.
        journal: Applies the log.
        producer: Writes to it.
        components: The API's.
    """

    def __init__(self, engine: Engine, environ: dict[str, str]) -> None:
        self.engine, self.journal = engine, Journal(engine)
        self.journal.apply(a_listing("alpha", "Alpha", time=1), a_listing("beta", "Beta", time=1))
        fake = FakeApi(environ)
        self.clock = fake.fakes.clock
        dependencies = fake.fakes.dependencies
        self.producer = ApplyingProducer(self.journal, dependencies.codec)
        self.log_ends = FakeLogEnds()
        self.dependencies: Dependencies = msgspec.structs.replace(
            dependencies,
            sessions=CachedSessions(engine),
            producer=self.producer,
            read_model=DatabaseReadModel(engine),
            private=DatabasePrivateStore(engine),
            log_ends=self.log_ends,
        )
        self.components: Components = build(fake.settings, self.dependencies)
        for topic in (VOTES, BOOKMARKS):
            self.components.progress.applied.set((topic.name, 0), 10_000)
        self.app = application(self.components)

    def transfers(self, seconds: float) -> VoteTransfers:
        """The service that carries transfers out, with so much time for each."""
        dependencies = self.dependencies
        return VoteTransfers(
            private=dependencies.private,
            read_model=dependencies.read_model,
            log_ends=self.log_ends,
            progress=self.components.progress,
            producer=self.producer,
            codec=dependencies.codec,
            clock=MonotonicClock(self.clock),
            seconds=seconds,
        )

    def browser(self, **headers: str) -> "PersonsBrowser":
        """A browser without cookies."""
        return PersonsBrowser(self, headers)

    def mails(self, kind: str = "sign-in") -> list[tuple[str, str]]:
        """Recipients and paths of the mails that wait, the oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "select recipient, fields->>'path' as path from verdicts.outgoing_mail "
                    "where kind = :kind order by id"
                ),
                {"kind": kind},
            )
            return [(row.recipient, row.path) for row in rows]

    def tally(self, tool: str) -> dict[str, int]:
        community = self.browser().client.get(f"/v1/tools/{tool}").json()["community"]
        return {choice: community[choice] for choice in ("ship", "skip")}

    def events(self) -> list[Any]:
        codec = self.dependencies.codec
        return [codec.decode(record.topic, record.value) for record in self.producer.sent]


class PersonsBrowser:
    """One browser with its cookies."""

    def __init__(self, api: AccountsApi, headers: dict[str, str]) -> None:
        self.api = api
        self.client = TestClient(
            api.app, base_url=HOST, headers={**HERE, **headers}, follow_redirects=False
        )

    def vote(self, choice: str, tool: str = "alpha") -> None:
        answer = self.client.put(f"/v1/tools/{tool}/vote", json={"choice": choice})
        assert answer.status_code == 200, answer.text

    def save(self, tool: str = "alpha") -> None:
        assert self.client.put(f"/v1/bookmarks/{tool}").status_code == 200

    def ask(self, email: str = "ann@example.org") -> str:
        """Ask for a link; its path."""
        assert self.client.post("/v1/sign-in", json={"email": email}).status_code == 202
        return self.api.mails()[-1][1]

    def use(self, path: str) -> Any:
        """Press the button of a link's page."""
        return self.client.post("/sign-in/", data={"token": path.partition("=")[2]})

    def sign_in(self, email: str = "ann@example.org") -> None:
        answer = self.use(self.ask(email))
        assert (answer.status_code, answer.headers["location"]) == (303, "/me/"), answer.text

    def me(self) -> dict[str, Any]:
        return dict(self.client.get("/v1/me").json())

    def cookies(self) -> set[str]:
        return {cookie.name for cookie in self.client.cookies.jar}


def hidden(answer: Any) -> dict[str, str]:
    """The hidden fields of a page's form."""
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.text))


@pytest.fixture
def make_accounts(projected: Engine) -> Callable[..., AccountsApi]:
    return lambda **environ: AccountsApi(projected, environ)


@pytest.fixture
def accounts(make_accounts: Callable[..., AccountsApi]) -> AccountsApi:
    return make_accounts()
