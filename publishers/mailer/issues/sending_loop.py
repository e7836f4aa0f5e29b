"""The sending loop: claims digest mails and keeps the connections busy, within the limits."""

import asyncio
import time
from collections.abc import Callable

from infra.runtime.blocking_pool import BlockingPool
from projections.private.ledger.claims import DigestMail
from publishers.mailer.delivery.connection_pool import MailConnectionPool
from publishers.mailer.delivery.rate_limit import MailPace
from publishers.mailer.issues.digest_mails import DigestMails
from publishers.mailer.issues.issue_starter import IssueStarter

GROUP = 64
"""Mails of a claim; twice as many may be under way at a stop, and are claimed again."""
LOW = 48
"""With fewer mails in hand the next are claimed, so that no connection waits for the database."""
IDLE_SECONDS = 1.0
START_SECONDS = 5.0


async def send_digests(
    digests: DigestMails,
    starter: IssueStarter,
    pool: MailConnectionPool,
    pace: MailPace,
    database: BlockingPool,
    mail_came: asyncio.Event,
    stopping: Callable[[], bool],
) -> None:
    """Start issues, claim their mails and hand them to the pool until stopped."""
    waiting: list[DigestMail] = []
    claiming: asyncio.Future[list[DigestMail]] | None = None
    looked = 0.0
    while not stopping():
        now = time.monotonic()
        if now - looked > START_SECONDS or mail_came.is_set():
            looked = now
            mail_came.clear()
            await database.run(starter.start_due)
            await database.run(digests.open_new)
        if claiming is None and len(waiting) < LOW:
            claim = database.run(digests.claim, GROUP, pace.blocked(now))
            claiming = asyncio.ensure_future(claim)
        if claiming is not None and (claiming.done() or not waiting):
            waiting += await claiming
            claiming = None
        if not waiting:
            await _wait(mail_came, IDLE_SECONDS)
            continue
        mail, delay = pace.next_of(waiting, now)
        if mail is None:
            await asyncio.sleep(min(delay, IDLE_SECONDS))
            continue
        waiting.remove(mail)
        if mail.address:
            pace.take(mail.address, now)
            await pool.put(digests.job(mail))
        else:
            digests.skip(mail)
    for mail in waiting + (await claiming if claiming else []):
        digests.give_back(mail)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
