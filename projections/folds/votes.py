"""The community: one ballot per voter and tool, and what the ballots of a tool add up to."""

from collections.abc import Iterable, Mapping

from projections.folds.ordering import stamp_prefix
from projections.folds.registers import RegisterWrite
from schemas.events import Event, VoteCast, VoteRetracted
from schemas.records import Choice

# What a ballot says, and how equal times and ids are decided: by the bytes of the data, in which
# only the choice can differ between two events of one ballot.
SHIP, SKIP, NONE = 1, 2, 3
CHOICES: Mapping[Choice, int] = {"ship": SHIP, "skip": SKIP}
NAMES: Mapping[int, Choice] = {SHIP: "ship", SKIP: "skip"}
# Made once: there are as many ballots as votes, but only three things that one can say.
_SAID = {choice: (bytes((choice,)), {"choice": choice}) for choice in (SHIP, SKIP, NONE)}


def vote_cast(event: Event) -> Iterable[RegisterWrite]:
    """A voter's newest choice for a tool is the one that counts."""
    data = event.data
    assert isinstance(data, VoteCast)
    return (_ballot(event, data, CHOICES[data.choice]),)


def vote_retracted(event: Event) -> Iterable[RegisterWrite]:
    """A vote taken back stays as an empty ballot, so that an older vote cannot return."""
    data = event.data
    assert isinstance(data, VoteRetracted)
    return (_ballot(event, data, NONE),)


def _ballot(event: Event, vote: VoteCast | VoteRetracted, choice: int) -> RegisterWrite:
    last, values = _SAID[choice]
    return RegisterWrite("ballots", (vote.voter, vote.tool), stamp_prefix(event) + last, values)
