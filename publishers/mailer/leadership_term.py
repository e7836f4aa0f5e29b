"""One leadership term of a mailer: from taking over until it stops or loses its leadership."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import Engine

from infra.postgres.engine import wait_notifications
from infra.postgres.leader_election import Lease
from infra.runtime.blocking_pool import BlockingPool
from infra.settings import Settings
from projections.private.leadership_terms import begin_term
from publishers.mailer.bounces.intake import take_maildir
from publishers.mailer.delivery.connection_pool import FINISH_SECONDS, MailConnectionPool
from publishers.mailer.delivery.rate_limit import MailPace
from publishers.mailer.issues import holds
from publishers.mailer.issues.digest_mails import DigestMails
from publishers.mailer.issues.issue_starter import IssueStarter
from publishers.mailer.issues.sending_loop import send_digests
from publishers.mailer.messages.dkim import DkimSigner
from publishers.mailer.single_mails import SingleMails, abandon_all

FLUSH_SECONDS = 0.1
PRUNE_SECONDS = 600.0
BOUNCE_SECONDS = 5.0
JOURNALS = "mail-journal"
log = structlog.get_logger(__name__)


class LeadershipTerm:
    """Sends mail until stopped.

    Args:
        engine: The database.
        settings: Of this process.
        lease: Proof of leadership, whose connection listens for new mail.
        pool: The connections to the mail server.
        stopping: Set when the process is to end.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        lease: Lease,
        pool: MailConnectionPool,
        stopping: threading.Event,
    ) -> None:
        self._engine, self._settings = engine, settings
        self._lease = lease
        self._pool = pool
        self._stopping = stopping
        self._finished = asyncio.Event()
        folder = settings.data / JOURNALS
        signer = _signer(settings)
        self._digests = DigestMails(engine, settings, folder, signer)
        render_copy = self._digests.render_copy
        self._singles = SingleMails(engine, settings, folder, signer, render_copy)
        self._starter = IssueStarter(engine, settings)
        self._pace = MailPace(settings.mail.per_second, settings.mail.per_domain, time.monotonic())
        self._mail_came = asyncio.Event()
        self._database = BlockingPool(2, "mailer-database", timeout=None)
        # Waiting and confirming share the lease's connection, so they share a thread.
        self._waiting = BlockingPool(1, "mailer-lease", timeout=None)

    def recover(self) -> None:
        """Begin the term, and settle what the former one left behind."""
        with self._engine.begin() as connection:
            term = begin_term(connection)
            if term.is_copy:
                holds.hold_all(connection)
                abandon_all(connection)
        self._singles.recover(term.number)
        self._digests.recover(term.number)
        log.info("mailer is active", term=term.number)

    async def run(self) -> None:
        """Send until stopped; mails under way are finished, the others wait for the next term.

        So it is too where the database or the leadership is lost: the journal has the answers.
        """
        sending = asyncio.create_task(self._pool.run())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send_singles())
                digests = group.create_task(self._send_digests())
                group.create_task(self._flush())
                group.create_task(self._every(PRUNE_SECONDS, self._singles.prune))
                group.create_task(self._every(BOUNCE_SECONDS, self._take_bounces))
                await asyncio.shield(sending)
                await digests
                self._pool.give_up()
                self._finished.set()
        finally:
            self._pool.stop()
            await asyncio.wait({sending}, timeout=FINISH_SECONDS)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            self._database.close()
            self._waiting.close()

    async def _send_singles(self) -> None:
        while not self._is_ending():
            await self._waiting.run(self._lease.require)
            for job in await self._database.run(self._singles.claim, 16):
                await self._pool.put(job, urgent=True)
            if await self._waiting.run(wait_notifications, self._lease.connection):
                self._mail_came.set()

    async def _send_digests(self) -> None:
        await send_digests(
            self._digests,
            self._starter,
            self._pool,
            self._pace,
            self._database,
            self._mail_came,
            self._is_ending,
        )

    def _is_ending(self) -> bool:
        return self._stopping.is_set() or self._pool.is_stopping

    async def _flush(self) -> None:
        while True:
            if self._stopping.is_set():
                self._pool.stop()
            last = self._finished.is_set()
            await self._database.run(self._singles.write, self._singles.take_settled())
            await self._database.run(self._digests.write, self._digests.take_settled())
            if last:
                return
            await self._pause(FLUSH_SECONDS)

    async def _every(self, seconds: float, work: Callable[[], None]) -> None:
        while not self._finished.is_set():
            await self._database.run(work)
            await self._pause(seconds)

    def _take_bounces(self) -> None:
        take_maildir(self._engine, self._settings)

    async def _pause(self, seconds: float) -> None:
        await wait_at_most(self._finished.wait(), seconds)


def _signer(settings: Settings) -> DkimSigner | None:
    mail = settings.mail
    if mail.dkim_key is None:
        return None
    return DkimSigner.from_file(mail.dkim_key, mail.domain, mail.dkim_selector)


async def wait_at_most(awaited: Awaitable[object], seconds: float) -> None:
    """Wait for something, at most for so long."""
    try:
        async with asyncio.timeout(seconds):
            await awaited
    except TimeoutError:
        return
