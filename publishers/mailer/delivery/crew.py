"""The connections of a mailer: each takes the next mail, sends it, and settles it."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import structlog

from infra.telemetry import recording
from publishers.mailer.delivery.journal import MailJournal
from publishers.mailer.delivery.outcome import Outcome, Parcel

MAX_PAUSE_SECONDS = 60.0
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


class DeliveryCrew:
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
        """Queue a job; waits while all connections are busy."""
        await self._queue.put((0 if urgent else 1, next(self._numbers), job))

    async def run(self) -> None:
        """Send until `stop`."""
        async with asyncio.TaskGroup() as group:
            for transport in self._transports:
                group.create_task(self._work(transport))

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
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if taking.done():
            return taking.result()[2]
        taking.cancel()
        return None

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
        if outcome.state not in ("untried", "ambiguous"):
            job.journal.answer(job.mail, job.attempt, outcome.state, outcome.reply)
    recording.mail_attempted(job.kind, outcome.state)
    job.settle(outcome)
    return outcome
