"""Which events hand over what a voter has chosen and saved, or take it back.

The heir gets each vote and bookmark with the time and id of the event that made it. So the law of
the log decides between the choices of two browsers as if one voter had made both: the newer stays,
in whichever order the browsers sign in and however often this is repeated. A choice that was taken
back is no choice, and hands nothing over.
"""

from collections.abc import Callable, Sequence

from projections.private.accounts.transfers import Transfer
from projections.read.voter_registers import VoterRegister
from schemas.events import BookmarkAdded, BookmarkRemoved, Event, VoteCast, VoteRetracted

Stamp = Callable[[int], tuple[str, int]]
"""An id and a time for a new event that comes after the given time."""


def hand_over(transfer: Transfer, registers: Sequence[VoterRegister]) -> list[Event]:
    """The events that give the heir what the voter has; none without an heir."""
    heir = transfer.heir
    if heir is None:
        return []
    return [Event(register.id, register.time, _gain(register, heir)) for register in registers]


def take_back(transfer: Transfer, registers: Sequence[VoterRegister], stamp: Stamp) -> list[Event]:
    """The events after which the voter has none of it any more."""
    events: list[Event] = []
    for register in registers:
        event_id, time = stamp(register.time)
        events.append(Event(event_id, time, _loss(register, transfer.voter)))
    return events


def _gain(register: VoterRegister, voter: str) -> VoteCast | BookmarkAdded:
    if register.choice is None:
        return BookmarkAdded(register.tool, voter)
    return VoteCast(register.tool, voter, register.choice)


def _loss(register: VoterRegister, voter: str) -> VoteRetracted | BookmarkRemoved:
    if register.choice is None:
        return BookmarkRemoved(register.tool, voter)
    return VoteRetracted(register.tool, voter)
