"""A database with a frozen digest, a mail server that fails as it is told, and mailers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.orphan_guardian import Guardian
from tests.faults.harness.mail.killing import Executioner
from tests.faults.harness.mail.sink import Sink
from tests.faults.harness.proxy import Proxy
from tests.faults.harness.system import fresh_database
from tests.publishers.mailer.conftest import Mailing


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def executioner(sink: Sink) -> Executioner:
    """Sees the steps of the sink, and the transactions of mailers; ends a process at one."""
    executioner = Executioner()
    sink.at_step = executioner.see
    return executioner


@pytest.fixture
def database_proxy(postgres: str, executioner: Executioner) -> Iterator[Proxy]:
    port = int(postgres.rpartition(":")[2].partition("/")[0])
    proxy = Proxy(port, executioner.tap)
    yield proxy
    proxy.close()


@pytest.fixture
def mailing(
    postgres: str, guardian: Guardian, database_proxy: Proxy, sink: Sink, tmp_path: Path
) -> Iterator[Mailing]:
    """An issue without subscribers; mailers reach the database through the proxy."""
    assert guardian  # ends the server after this
    with fresh_database(postgres) as url:
        mailing = Mailing(url, tmp_path)
        head, _, name = url.rpartition("/")
        mailing.settings |= {
            "DATABASE_URL": f"{head.rpartition(':')[0]}:{database_proxy.port}/{name}",
            "SMTP_URL": sink.url,
            "VERDICTS_MAIL_FOOTER": "1 Main Street",
            "VERDICTS_MAIL_PER_SECOND": "10000",
        }
        mailing.freeze()
        yield mailing
        for service in mailing.started:
            service.kill()
            print(service.tail)  # shown where a test fails
