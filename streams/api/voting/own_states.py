"""Reads a voter's own choice and bookmark of one tool."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from projections.read.voters import list_bookmarks, read_choices, read_own_state
from schemas.events import VoteCast, VoteRetracted
from streams.api.read_model import ReadModel
from streams.api.voting.vote_response import OwnState, VoterChange

OWN_STATE_SECONDS = 0.2


class OwnStates:
    """Reads own states; a failed or slow read is an unknown state."""

    def __init__(self, read_model: ReadModel) -> None:
        self._read_model = read_model

    async def read_if_unchanged(self, change: VoterChange, last: int) -> OwnState | None:
        """The voter's state where it is what `change` asks for already, else None.

        Args:
            change: What the voter asks for.
            last: The time of the voter's newest change of anything, in microseconds. Before it
                is applied, a change on its way may still alter the state.
        """
        try:
            async with asyncio.timeout(OWN_STATE_SECONDS):
                applied = await self._read_model.run(read_own_state, change.voter, change.tool)
        except (TimeoutError, SQLAlchemyError):
            return None
        own = OwnState(applied.choice, applied.saved)
        return own if applied.newest >= last and own.after(change) == own else None

    async def read_other_part(self, change: VoterChange) -> OwnState:
        """The voter's bookmark after a vote, the voter's choice after a bookmark."""
        if isinstance(change, VoteCast | VoteRetracted):
            bookmarks = await self._read_model.run(list_bookmarks, change.voter)
            return OwnState(saved=change.tool in bookmarks)
        choices = await self._read_model.run(read_choices, change.voter)
        return OwnState(choice=choices.get(change.tool))


async def result_if_done_soon(own_state: "asyncio.Task[OwnState]") -> OwnState:
    """The own state, or an unknown one when the read failed or takes long."""
    await asyncio.wait({own_state}, timeout=OWN_STATE_SECONDS)
    if own_state.cancel() or own_state.exception() is not None:
        return OwnState()
    return own_state.result()
