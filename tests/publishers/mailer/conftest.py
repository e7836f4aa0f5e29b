"""A database with a frozen digest and subscribers, and mailers as processes on it."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from infra.cli.main import verdicts as cli
from infra.postgres.engine import create_engine
from projections.private.subscribers.addresses import parse_address
from projections.private.subscribers.links import SubscriptionLinks
from schemas.time import weeks
from tests.harness.digest_records import a_digest
from tests.harness.services import ROOT, Service, environment, verdicts

WEEK = "2026-W47"
VOTER_KEY = "hides nobody here"


class Mailing:
    """Mailers on one database and one data folder."""

    def __init__(self, database: str, data: Path) -> None:
        self.database, self.data = database, data
        self.settings: dict[str, str] = {}
        self.started: list[Service] = []
        self.links = SubscriptionLinks(["signs nothing here"], VOTER_KEY)

    def environment(self) -> dict[str, str]:
        given = environment(kafka={}, database=self.database, data=self.data)
        return {**given, "VERDICTS_MAIL_PER_DOMAIN": "10000", **self.settings}

    def start(self, data: Path | None = None) -> Service:
        log = self.data / f"mailer-{len(self.started)}.log"
        given = self.environment() | ({"VERDICTS_DATA": str(data)} if data else {})
        service = Service(verdicts("mailer"), given, log).start()
        self.started.append(service)
        return service

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = verdicts("mail", *arguments)
        given = {**self.environment(), "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, env=given, cwd=ROOT, capture_output=True, text=True, check=False
        )

    def json(self, *arguments: str) -> Any:
        """The answer of a command that succeeds; here, since a process takes seconds to start."""
        words = ["mail", *arguments, "--json"]
        result = CliRunner().invoke(cli, words, env=self.environment(), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return msgspec.json.decode(result.stdout)

    def mails(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted((self.data / "mail" / "new").glob("*"))]

    def execute(self, statement: str, *parameters: object) -> list[Any]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def freeze(self, week: str = WEEK) -> None:
        """Put a digest into the projections as if it had come from the log."""
        digest = msgspec.json.encode(a_digest(week)).decode()
        with psycopg.connect(self.database) as connection:
            (row,) = connection.execute(
                "select quote_ident(live) from verdicts.generation"
            ).fetchall()
            connection.execute(
                f"insert into {row[0]}.digests (week, time, digest, tallies, version, stamp) "
                "values (%s, %s, %s, '{}', 1, 'test')".encode(),
                (week, weeks.span(week)[1], digest),
            )

    def subscribe(self, *addresses: str, **columns: Any) -> list[str]:
        """Insert confirmed subscribers; return their ids."""
        row = {
            "frequency": "weekly",
            "topics": [],
            "timezone": "UTC",
            "confirmed": datetime(2026, 1, 1, tzinfo=UTC),
            "paused_until": None,
            **columns,
        }
        ids = []
        with psycopg.connect(self.database) as connection, connection.cursor() as cursor:
            rows = []
            for address in addresses:
                checked = parse_address(address)
                ids.append(self.links.id_of(checked))
                rows.append(
                    (
                        *(ids[-1], address, checked.canonical, row["frequency"], row["topics"]),
                        *(row["timezone"], row["paused_until"], row["confirmed"]),
                        row["confirmed"],
                    )
                )
            cursor.executemany(
                "insert into verdicts.subscribers (id, address, canonical, frequency, topics, "
                "timezone, paused_until, requested, confirmed, consent_source) "
                "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'test')",
                rows,
            )
        return ids

    def states(self) -> dict[str, int]:
        rows = self.execute("select state, count(*) from verdicts.mail_ledger group by state")
        return dict(rows)


@pytest.fixture
def mailing(projected_url: str, tmp_path: Path) -> Iterator[Mailing]:
    mailing = Mailing(projected_url, tmp_path)
    yield mailing
    for service in mailing.started:
        service.kill()


@pytest.fixture
def engine(projected_url: str) -> Iterator[Engine]:
    engine = create_engine(projected_url)
    yield engine
    engine.dispose()
