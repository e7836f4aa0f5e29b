"""Reads voters' own choices and bookmarks, those of many voters with one query."""

import asyncio
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from infra.runtime.shared_reads import BatchedReads
from projections.read.voters import NOTHING_APPLIED, OwnToolState, read_own_states
from streams.api.http.shared_timeout import SharedTimeout
from streams.api.read_model import ReadModel
from streams.api.voting.vote_response import OwnState, VoterChange

OWN_STATE_SECONDS = 0.2
OWN_STATE_TIMEOUT = SharedTimeout(OWN_STATE_SECONDS)


class OwnStates:
    """Reads own states; a failed or slow read is an unknown state."""

    def __init__(self, read_model: ReadModel) -> None:
        self._read_model = read_model
        self._applied = BatchedReads(self._read_applied)

    async def read_if_unchanged(self, change: VoterChange, last: int) -> OwnState | None:
        """The voter's state where it is what `change` asks for already, else None.

        Args:
            change: What the voter asks for.
            last: The time of the voter's newest change of anything, in microseconds. Before it
                is applied, a change on its way may still alter the state.
        """
        try:
            with OWN_STATE_TIMEOUT:
                applied = await self.request(change) or NOTHING_APPLIED
        except (TimeoutError, SQLAlchemyError):
            return None
        own = OwnState(applied.choice, applied.saved)
        return own if applied.newest >= last and own.after(change) == own else None

    def request(self, change: VoterChange) -> "asyncio.Future[OwnToolState | None]":
        """The voter's state of the change's tool; a change with a later stamp may have won."""
        return self._applied.request((change.voter, change.tool))

    async def _read_applied(
        self, keys: list[tuple[str, str]]
    ) -> Mapping[tuple[str, str], OwnToolState]:
        return await self._read_model.run_short(read_own_states, keys)


async def result_if_done_soon(
    request: "asyncio.Future[OwnToolState | None]", otherwise: OwnState
) -> OwnState:
    """The own state, or the other one when the read failed or takes long."""
    if not request.done():
        await asyncio.wait({request}, timeout=OWN_STATE_SECONDS)
    if request.cancel() or request.exception() is not None:
        return otherwise
    applied = request.result() or NOTHING_APPLIED
    return OwnState(applied.choice, applied.saved)
