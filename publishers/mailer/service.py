"""The mailer as a service: one process is active and sends; the others stand by."""

import asyncio
import signal
import socket
from queue import SimpleQueue

from sqlalchemy import Engine

from infra.postgres.engine import create_engine
from infra.postgres.heartbeats import HeartbeatThread, instance_name
from infra.postgres.leader_election import FAILURES, LeaderThread, Lease
from infra.settings import Settings
from publishers.mailer.delivery.connection_pool import MailConnectionPool, MailTransport
from publishers.mailer.delivery.maildir import MaildirTransport
from publishers.mailer.delivery.smtp import SmtpTransport
from publishers.mailer.leadership_term import LeadershipTerm
from publishers.templating import theme
from schemas.channels import Channel, ServiceName

ADVISORY_LOCK = 0x6D61696C  # "mail"


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.put(number))
    theme.activate(settings)
    engine = create_engine(settings, name="verdicts mailer", retried=True)
    instance = instance_name(settings.instance)
    mailer = ActiveMailer(settings, engine, instance)
    heartbeat = HeartbeatThread(engine, ServiceName.MAILER, instance, mailer.describe)
    heartbeat.start()
    mailer.start()
    signals.get()
    mailer.stop()
    heartbeat.stop()


def transports(settings: Settings) -> list[MailTransport]:
    """The connections over which mails go: to the mail server, or one into the Maildir."""
    server = settings.mail.server
    if server is None:
        return [MaildirTransport(settings.data / "mail")]
    name = socket.getfqdn()
    return [SmtpTransport(server, name) for _ in range(settings.mail.connections)]


class ActiveMailer(LeaderThread):
    """Sends mail while this process is the leader."""

    stop_seconds = 25.0  # A server may take its time for a mail, which would be ambiguous.

    def __init__(self, settings: Settings, engine: Engine, instance: str) -> None:
        super().__init__(settings, ADVISORY_LOCK, ServiceName.MAILER, instance)
        self._engine = engine
        self._pool: MailConnectionPool | None = None

    def describe(self) -> dict[str, object]:
        """What `/status` says of this mailer."""
        trouble = self._pool.trouble if self._pool else ""
        return {"active": self.active, **({"trouble": trouble} if trouble else {})}

    def serve(self, lease: Lease) -> None:
        """Send until stopped or until another mailer takes over."""
        lease.connection.execute(f"listen {Channel.MAIL}".encode())
        lease.require()
        try:
            asyncio.run(self._serve(lease))
        except* FAILURES as failures:
            raise _first(failures) from failures

    async def _serve(self, lease: Lease) -> None:
        self._pool = MailConnectionPool(transports(self._settings))
        term = LeadershipTerm(self._engine, self._settings, lease, self._pool, self.stopping)
        term.recover()
        self.active = True
        await term.run()


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    failure = failures.exceptions[0]
    return _first(failure) if isinstance(failure, BaseExceptionGroup) else failure
