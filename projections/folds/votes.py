"""Votes: one ballot per voter and tool."""

from collections.abc import Iterable, Mapping

from projections.folds.ordering import stamp_prefix
from projections.folds.registers import RegisterWrite
from schemas.events import Event, VoteCast, VoteRetracted
from schemas.records import Choice

# The choice on a ballot. It also orders two events of one ballot with equal time and id, like the
# bytes of their data would: nothing else in the data can differ.
SHIP, SKIP, NONE = 1, 2, 3
CHOICES: Mapping[Choice, int] = {"ship": SHIP, "skip": SKIP}
NAMES: Mapping[int, Choice] = {SHIP: "ship", SKIP: "skip"}
# Shared by all ballots, since there are as many ballots as votes but only three choices.
_STAMP_ENDINGS = {choice: bytes((choice,)) for choice in (SHIP, SKIP, NONE)}
_VALUES = {choice: {"choice": choice} for choice in (SHIP, SKIP, NONE)}


def vote_cast(event: Event[VoteCast]) -> Iterable[RegisterWrite]:
    """Count a voter's newest choice for a tool."""
    return (_ballot(event, CHOICES[event.data.choice]),)


def vote_retracted(event: Event[VoteRetracted]) -> Iterable[RegisterWrite]:
    """Empty a voter's ballot; the empty register keeps older votes from returning."""
    return (_ballot(event, NONE),)


def _ballot(event: Event[VoteCast | VoteRetracted], choice: int) -> RegisterWrite:
    key = event.data.voter, event.data.tool
    stamp = stamp_prefix(event) + _STAMP_ENDINGS[choice]
    return RegisterWrite("ballots", key, stamp, _VALUES[choice])
