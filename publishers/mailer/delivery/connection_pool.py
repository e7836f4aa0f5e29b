"""The connections of a mailer: each takes the next mail, sends it, and settles it."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import structlog

from infra.telemetry import recording
from publishers.mailer.delivery.journal import MailJournal
from publishers.mailer.delivery.outcome import Outcome, Parcel

T = TypeVar("T")
MAX_PAUSE_SECONDS = 60.0
FINISH_SECONDS = 20.0
"""For the mails under way at a failure; a server that answers later leaves them ambiguous."""
log = structlog.get_logger(__name__)


class MailTransport(Protocol):
    """One connection over which mails go."""

    async def send(self, parcel: Parcel, intend: Callable[[], None]) -> Outcome:
        """Send one mail; `intend` is called right before it can no longer be taken back."""
        ...

    async def close(self) -> None:
        """End the connection."""
        ...


class DeliveryJob(NamedTuple):
    """A claimed mail.

    Attributes:
        mail: Its name in the journal.
        attempt: Number of this attempt.
        journal: Where intent and answer go.
        render: Makes the mail, when its turn comes.
        settle: Gets the outcome.
    """

    mail: str
    attempt: int
    journal: MailJournal
    render: Callable[[], Parcel]
    settle: Callable[[Outcome], None]

    @property
    def kind(self) -> Literal["digest", "single"]:
        """What it is, for metrics."""
        return "single" if self.mail.startswith("single/") else "digest"


class MailConnectionPool:
    """Sends jobs over several connections; urgent ones first.

    A connection whose server refuses us pauses, longer each time; the others go on.
    """

    def __init__(self, transports: Sequence[MailTransport]) -> None:
        self._transports = transports
        # Few wait, so a mail that is claimed is soon sent, and an urgent one soon overtakes.
        self._queue: asyncio.PriorityQueue[tuple[int, int, DeliveryJob]] = asyncio.PriorityQueue(
            2 * len(transports)
        )
        self._numbers = itertools.count()
        self._stopping = asyncio.Event()
        self.trouble = ""

    async def put(self, job: DeliveryJob, *, urgent: bool = False) -> None:
        """Queue a job; waits while all connections are busy. At a stop it is settled, untried."""
        entry = (0 if urgent else 1, next(self._numbers), job)
        if not (self._queue.full() or self._stopping.is_set()):
            self._queue.put_nowait(entry)
        elif not await self._unless_stopped(self._queue.put(entry)):
            job.settle(Outcome("untried", ""))

    async def run(self) -> None:
        """Send until `stop`, or until one connection fails: then the others finish their mail.

        Raises:
            OSError: The journal is full, or another mailer's.
        """
        workers = [asyncio.ensure_future(self._work(each)) for each in self._transports]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            self._stopping.set()
            await asyncio.wait(workers, timeout=FINISH_SECONDS)
        finally:
            for worker in workers:
                worker.cancel()
        await asyncio.gather(*workers)

    @property
    def is_stopping(self) -> bool:
        """Whether no more mails are taken."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Let each connection finish its present mail; give up those that wait."""
        self._stopping.set()

    def give_up(self) -> None:
        """Settle what was not tried, once `run` has returned."""
        while not self._queue.empty():
            self._queue.get_nowait()[2].settle(Outcome("untried", ""))

    async def _work(self, transport: MailTransport) -> None:
        refusals = 0
        try:
            while (job := await self._next()) is not None:
                outcome = await deliver(transport, job)
                refusals = refusals + 1 if outcome.about_us else 0
                if refusals:
                    self.trouble = outcome.reply
                    await self._pause(min(2.0 ** (refusals - 2), MAX_PAUSE_SECONDS))
                elif outcome.state == "sent":
                    self.trouble = ""
        finally:
            await transport.close()

    async def _next(self) -> DeliveryJob | None:
        if self._stopping.is_set():
            return None
        if not self._queue.empty():
            return self._queue.get_nowait()[2]
        taking = asyncio.ensure_future(self._queue.get())
        return taking.result()[2] if await self._unless_stopped(taking) else None

    async def _unless_stopped(self, action: Coroutine[Any, Any, T] | asyncio.Future[T]) -> bool:
        """Wait for an action of the queue; False when a stop came first, and it is cancelled."""
        acting = asyncio.ensure_future(action)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({acting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return acting.done()
        finally:
            acting.cancel()
            stopping.cancel()

    async def _pause(self, seconds: float) -> None:
        log.warning("the mail server refuses us", reason=self.trouble, pause=seconds)
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


async def deliver(transport: MailTransport, job: DeliveryJob) -> Outcome:
    """Send one mail, journal how that ended, and settle it."""
    try:
        parcel = job.render()
    except Exception as error:
        # A mail that cannot be rendered must not stop the others.
        log.exception("a mail cannot be rendered", mail=job.mail)
        outcome = Outcome("refused", f"cannot be rendered: {error}")
    else:
        outcome = await transport.send(parcel, lambda: job.journal.intend(job.mail, job.attempt))
        if outcome.state != "ambiguous":
            job.journal.answer(job.mail, job.attempt, outcome.state, outcome.reply)
    recording.mail_attempted(job.kind, outcome.state)
    job.settle(outcome)
    return outcome
