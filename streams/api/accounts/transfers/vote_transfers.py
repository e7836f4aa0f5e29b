"""Carries transfers out: reads what a voter has, writes events, and waits until they count."""

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from infra.kafka.codec import Codec
from infra.kafka.delivery import Delivery, Outgoing
from infra.kafka.producer import Producer
from projections.private.accounts.transfers import (
    Transfer,
    finish_transfer,
    list_transfers,
    list_transfers_to,
)
from projections.read.voter_registers import read_newest_time, read_voter_registers
from schemas.events import Event
from schemas.time.ahead import record_timestamp
from streams.api.accounts.transfers.log_ends import VoterLogEnds
from streams.api.accounts.transfers.transfer_rule import hand_over, take_back
from streams.api.http.problems import Problem, unavailable
from streams.api.ingest.event_clock import MonotonicClock, new_id
from streams.api.ingest.metrics import received
from streams.api.live.progress import Progress
from streams.api.private_store import PrivateStore
from streams.api.read_model import ReadModel

TRANSFER_SECONDS = 5.0
"""How long a request waits for its transfer; a later attempt goes on."""
RETRY_SECONDS = 5.0
"""Between attempts, and the least age of a transfer that is not a request's own."""

log = structlog.get_logger(__name__)


class VoteTransfers:
    """Carries transfers out. Any process may repeat any step: the law of the log holds.

    Args:
        private: Stores transfers.
        read_model: Reads what a voter has.
        log_ends: Asks where the topics of voters end.
        progress: Waits for what is applied.
        producer: Writes events.
        codec: Encodes them.
        clock: Stamps them.
        seconds: How long one attempt may take.
    """

    def __init__(
        self,
        private: PrivateStore,
        read_model: ReadModel,
        log_ends: VoterLogEnds,
        progress: Progress,
        producer: Producer,
        codec: Codec,
        clock: MonotonicClock,
        seconds: float = TRANSFER_SECONDS,
    ) -> None:
        self._private = private
        self._read_model = read_model
        self._log_ends = log_ends
        self._progress = progress
        self._producer = producer
        self._codec = codec
        self._clock = clock
        self._seconds = seconds

    async def try_now(self, transfer: Transfer, last: int = 0) -> bool:
        """Carry a stored transfer out within 5 s; False leaves it to `run_pending`.

        Args:
            transfer: What was stored.
            last: The time of the voter's last event as its cookie says, in microseconds; 0 where
                it is not known.
        """
        try:
            await self.empty(transfer, last)
            await self._private.run(finish_transfer, transfer.voter)
        except (Problem, SQLAlchemyError) as error:
            log.warning("a transfer of votes goes on later", reason=str(error))
            return False
        return True

    async def empty(self, transfer: Transfer, last: int = 0) -> None:
        """Transfer until the voter has no vote and no bookmark left.

        Raises:
            Problem: 503, the broker or the workers do not answer within 5 s.
            SQLAlchemyError: The database is away.
        """
        try:
            async with asyncio.timeout(self._seconds):
                await self._await_applied(transfer.voter, last)
                while await self._transfer_applied(transfer):
                    pass
        except TimeoutError:
            raise unavailable("No worker applies votes now; please try again.") from None

    async def empty_all_to(self, heir: str) -> None:
        """Finish the transfers to one voter.

        Raises:
            Problem: 503, as of `empty`.
        """
        for transfer in await self._private.run(list_transfers_to, heir):
            await self.empty(transfer)
            await self._private.run(finish_transfer, transfer.voter)

    async def run_pending(self, older_than: float = RETRY_SECONDS) -> None:
        """Carry out the transfers that were begun more than so many seconds ago."""
        for transfer in await self._private.run(list_transfers, older_than):
            await self.try_now(transfer)

    async def run_for_ever(self) -> None:
        """Carry out what other processes or earlier attempts have left, every 5 s."""
        while True:
            try:
                await self.run_pending()
            except SQLAlchemyError as error:
                log.debug("transfers wait for the database", reason=str(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _await_applied(self, voter: str, last: int) -> None:
        """Wait until all acknowledged events of a voter are applied."""
        if last and await self._read_model.run(read_newest_time, voter) >= last:
            return
        await self._progress.wait_until_applied(await self._log_ends.read())

    async def _transfer_applied(self, transfer: Transfer) -> bool:
        """Transfer what is applied; False when there is nothing."""
        registers = await self._read_model.run(read_voter_registers, transfer.voter)
        if not registers:
            return False
        # What the heir gets is on the log first: a crash in between loses no vote.
        gained = await self._write(hand_over(transfer, registers))
        lost = await self._write(take_back(transfer, registers, self._stamp))
        ends = {(each.topic, each.partition): each.offset + 1 for each in (*gained, *lost)}
        await self._progress.wait_until_applied(ends)
        return True

    def _stamp(self, after: int) -> tuple[str, int]:
        time = self._clock.time_after(after)
        return new_id(time), time

    async def _write(self, events: Sequence[Event]) -> list[Delivery]:
        """Write events; returns once the broker has acknowledged all of them, in their order."""
        outcomes = await self._producer.send_all([self._record(event) for event in events])
        deliveries = [outcome for outcome in outcomes if isinstance(outcome, Delivery)]
        for event, outcome in zip(events, outcomes, strict=True):
            accepted = isinstance(outcome, Delivery)
            received(event.type, "accepted" if accepted else "unknown").inc()
        if len(deliveries) < len(events):
            raise unavailable("The log takes no votes now; please try again.")
        return deliveries

    def _record(self, event: Event) -> Outgoing:
        return Outgoing(
            event.data.topic.name,
            event.key.encode(),
            self._codec.encode(event),
            timestamp=record_timestamp(event.time, self._clock.now()),
        )
