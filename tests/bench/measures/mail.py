"""An issue to many subscribers, beside the loop over `smtplib` that people write.

Both send mails of the same digest to the same mail server, a process of its own on this machine
that only counts. Ours are signed with DKIM and kept account of one by one; the loop does neither.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dkim
import msgspec
import psutil
import psycopg
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from projections.private.subscribers.addresses import parse_address
from projections.private.subscribers.links import SubscriptionLinks
from publishers.mailer.messages.dkim import DkimSigner
from schemas.digests import WeeklyDigest
from schemas.time import weeks
from tests.bench.load.mail_sink import Taken, taken_by
from tests.bench.services import LIVE, RUN_SECONDS, Environment, Memory, output_of, running
from tests.bench.stage import KEYS, Stage, run
from tests.bench.table import Row
from tests.harness.digest_records import a_digest
from tests.harness.waiting import wait_until

WEEK = "2026-W47"
DOMAIN, SELECTOR = "verdicts.example", "bench"
ITEMS = 3
"""Of each section; then a mail has about 40 kB."""
PEERS_SHARE = 10
"""The loop sends to a tenth of them: its rate does not depend on how many there are."""
_LISTS = ("new_tools", "panel_changes", "flips", "close_calls", "votes", "bookmarks", "reviews")
_INSERT_SUBSCRIBERS = """
copy verdicts.subscribers (id, address, canonical, frequency, topics, timezone, requested,
    confirmed, consent_source) from stdin
"""
_INSERT_DIGEST = f"""
insert into {LIVE}.digests (week, time, digest, tallies, version, stamp)
values (%s, %s, %s, '[]', 1, 'bench')
"""
_SENT = "select count(*) from verdicts.mail_ledger where state = 'sent'"
_BYTES = "select pg_total_relation_size('verdicts.mail_ledger')"


def rows(stage: Stage, subscribers: int, runs: int) -> Iterator[Row]:
    """Measure both, run after run; each run has a database of its own."""
    what = f"an issue to {subscribers:,} subscribers, signed mails of 40 kB"
    rate = Row(
        what=f"{what}: mails/min",
        peer="a loop over `smtplib`, unsigned, without a ledger",
        unit="/min",
        above=30_000,
    )
    first = Row(
        what=f"{what}: from `verdicts mail send` to the first mail",
        peer="the same loop from its start",
        unit="s",
        more_is_better=False,
    )
    memory = Row(what=f"{what}: most memory of the mailer", peer="", unit="MB", below=200)
    growth = Row(
        what=f"{what}: last quarter's memory to the second's", peer="", unit="×", below=1.1,  # noqa: RUF001
        note="1 is flat",
    )  # fmt: skip
    ledger = Row(what=f"{what}: database a mail", peer="", unit="bytes")
    journal = Row(what=f"{what}: journal a mail", peer="", unit="bytes")
    with _sink() as (port, server):
        for _ in range(runs):
            ours = _issue(stage, port, subscribers)
            for row, figure in zip(
                (rate, first, memory, growth, ledger, journal), ours, strict=True
            ):
                row.ours.append(figure)
            for row, figure in zip((rate, first), _loop(stage, port, subscribers), strict=True):
                row.theirs.append(figure)
        mails = runs * (subscribers + subscribers // PEERS_SHARE)
        rate.note = f"the mail server takes {_seconds(server) / mails * 1e6:.0f} µs of a core each"
    yield from (rate, first, memory, growth, ledger, journal)


@contextmanager
def _sink() -> Iterator[tuple[int, psutil.Process]]:
    command = [sys.executable, "-m", "tests.bench.load.mail_sink"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline()), psutil.Process(process.pid)
        finally:
            process.kill()


def _issue(stage: Stage, port: int, subscribers: int) -> tuple[float, ...]:
    environment = _prepared(stage, port, subscribers)
    journal = Path(environment["VERDICTS_DATA"]) / "mail-journal" / f"{WEEK}.journal"
    with (
        psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection,
        running(["infra.cli", "mailer"], environment) as mailer,
    ):
        wait_until("the mailer is active", lambda: (journal.parent / "single.journal").exists())
        began = time.monotonic()
        run(["mail", "send", WEEK], environment)
        with Memory(mailer.pid) as memory:
            wait_until(
                "all are sent",
                lambda: _number(connection, _SENT) == subscribers,
                seconds=RUN_SECONDS,
                pause=0.5,
            )
        database = _number(connection, _BYTES) / subscribers
    taken = taken_by(port)
    _require(taken, subscribers, environment)
    rate = 60 * taken.mails / (taken.last - taken.first)
    first = taken.first - began
    return rate, first, memory.peak, memory.growth, database, journal.stat().st_size / subscribers


def _loop(stage: Stage, port: int, subscribers: int) -> tuple[float, float]:
    environment = {**stage.environment(""), "SUBSCRIBERS": str(subscribers // PEERS_SHARE)}
    digest = stage.folder / "digest.json"
    digest.write_bytes(msgspec.json.encode(large_digest()))
    began = time.monotonic()
    output_of("tests.bench.peers.smtplib_loop", str(port), str(digest), environment=environment)
    taken = taken_by(port)
    assert taken.mails == taken.recipients == subscribers // PEERS_SHARE
    return 60 * taken.mails / (taken.last - taken.first), taken.first - began


def _prepared(stage: Stage, port: int, subscribers: int) -> Environment:
    """A database with the digest and the subscribers, and the settings of a mailer."""
    folder = stage.folder / f"mail-{time.monotonic_ns()}"
    folder.mkdir()
    key = folder / "dkim.pem"
    key.write_bytes(
        generate_private_key(65537, 2048).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )
    environment = {
        **stage.migrated(),
        "VERDICTS_DATA": str(folder),
        "VERDICTS_PUBLIC_URL": f"https://{DOMAIN}",
        "SMTP_URL": f"smtp://127.0.0.1:{port}",
        "VERDICTS_MAIL_FROM": f"Verdicts <digest@{DOMAIN}>",
        "VERDICTS_MAIL_FOOTER": "1 Main Street",
        "VERDICTS_MAIL_PER_SECOND": "1000000",
        "VERDICTS_MAIL_PER_DOMAIN": "1000000",
        "VERDICTS_DKIM_KEY": str(key),
        "VERDICTS_DKIM_SELECTOR": SELECTOR,
    }
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        digest = msgspec.json.encode(large_digest()).decode()
        connection.execute(_INSERT_DIGEST.encode(), (WEEK, weeks.span(WEEK)[1], digest))
        _insert_subscribers(connection, subscribers)
    return environment


def _insert_subscribers(connection: psycopg.Connection, count: int) -> None:
    links = SubscriptionLinks([KEYS["VERDICTS_SECRET_KEY"]], KEYS["VERDICTS_VOTER_KEY"])
    confirmed = datetime(2026, 1, 1, tzinfo=UTC)
    pattern = parse_address("reader@example.com")
    with connection.cursor().copy(_INSERT_SUBSCRIBERS.encode()) as rows:
        for number in range(count):
            address = f"reader{number}@domain{number % 1000}.example.com"
            parsed = msgspec.structs.replace(pattern, typed=address, canonical=address)
            names = links.id_of(parsed), address, address
            rows.write_row((*names, "weekly", [], "UTC", confirmed, confirmed, "bench"))
    connection.execute("analyze verdicts.subscribers")


def large_digest() -> WeeklyDigest:
    """A digest of a busy week."""
    digest = a_digest(WEEK)
    lists = {
        name: [
            msgspec.structs.replace(item, tool=f"tool-{number}", name=f"Tool number {number}")
            for item in getattr(digest, name)
            for number in range(ITEMS)
        ]
        for name in _LISTS
    }
    return msgspec.structs.replace(digest, **lists)


def _require(taken: Taken, subscribers: int, environment: Environment) -> None:
    """Refuse a rate of mails that are not right: each reader got one, of its size, signed."""
    assert taken.mails == taken.recipients == subscribers, taken
    assert 38_000 < taken.octets / taken.mails < 44_000, taken.octets / taken.mails
    key = Path(environment["VERDICTS_DKIM_KEY"])
    record = DkimSigner.from_file(key, DOMAIN, SELECTOR).record.encode()
    content = taken.sample.replace("\r\n..", "\r\n.").encode() + b"\r\n"
    assert dkim.verify(content, dnsfunc=lambda *_, **__: record)


def _seconds(process: psutil.Process) -> float:
    """Processor seconds of a process until now."""
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def _number(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row
    return int(row[0])
