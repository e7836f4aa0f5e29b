"""What the voters do: a seeded crowd that visits, votes, changes its mind and keeps bookmarks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from random import Random

from streams.demo.content import Choice, DemoTool
from streams.demo.editors import SPAN, listed_at, retired_at
from streams.demo.event import DAY, SECOND, Data, DemoEvent, an_event

VOTERS = 3_000
SEED = 20_261_120

_CHANGES_ITS_MIND = 0.09
_TAKES_IT_BACK = 0.04
_SAVES = {"ship": 0.34, "skip": 0.06}
_UNSAVES = 0.12
_OTHER: dict[Choice, Choice] = {"ship": "skip", "skip": "ship"}


class _Stall:
    """A tool as the crowd meets it: from when until when it can be voted on, and its pull."""

    def __init__(self, tool: DemoTool, end: int) -> None:
        self.slug, self.crowd = tool.slug, tool.crowd
        self.opens = listed_at(tool, end)
        self.closes = retired_at(tool, end) or end
        self.start = end - SPAN

    def leaning(self, at: int) -> float:
        """The probability of a ship at a moment."""
        now, later = self.crowd.leaning, self.crowd.leaning_by_the_end
        return now if later is None else now + (later - now) * (at - self.start) / SPAN


class _Ballot:
    """One voter on one tool: the choices with their moments; None takes the vote back."""

    def __init__(self, voter: str, stall: _Stall, at: int, choice: Choice) -> None:
        self.voter, self.stall = voter, stall
        self.history: list[tuple[int, Choice | None]] = [(at, choice)]
        self.bookmark: list[tuple[int, bool]] = []

    @property
    def standing(self) -> Choice | None:
        """The choice that counts in the end."""
        return self.history[-1][1]

    def events(self) -> Iterator[DemoEvent]:
        """All that the voter did about the tool, in order."""
        whose: Data = {"tool": self.stall.slug, "voter": self.voter}
        for at, choice in self.history:
            if choice is None:
                yield an_event("vote.retracted", at, whose)
            else:
                yield an_event("vote.cast", at, whose | {"choice": choice})
        for at, saved in self.bookmark:
            yield an_event("bookmark.added" if saved else "bookmark.removed", at, whose)


def crowd_events(tools: list[DemoTool], end: int) -> Iterator[DemoEvent]:
    """The events of all voters, in no order."""
    draw = Random(SEED)  # noqa: S311 - a story that is the same each time, no secret
    stalls = [_Stall(tool, end) for tool in tools]
    voters = [f"demo-voter-{number:04}" for number in range(1, VOTERS + 1)]
    ballots = list(chain.from_iterable(_voter(draw, name, stalls, end) for name in voters))
    for stall in stalls:
        if stall.crowd.tie:
            _settle_as_a_tie([ballot for ballot in ballots if ballot.stall is stall])
    return chain.from_iterable(ballot.events() for ballot in ballots)


def _voter(draw: Random, name: str, stalls: list[_Stall], end: int) -> Iterator[_Ballot]:
    """A few visits over the weeks, each with a handful of votes on tools not voted on before."""
    seen: set[str] = set()
    for _ in range(draw.choice((1, 1, 2, 2, 3))):
        at = _wakeful_moment(draw, end - SPAN, end)
        for _ in range(draw.choice((1, 1, 2, 2, 3, 4))):
            stall = _attracted(draw, [one for one in stalls if one.opens < at < one.closes])
            if stall and stall.slug not in seen:
                seen.add(stall.slug)
                yield _ballot(draw, name, stall, at)
            at += draw.randrange(15 * SECOND, 240 * SECOND)


def _attracted(draw: Random, stalls: list[_Stall]) -> _Stall | None:
    if not stalls:
        return None
    return draw.choices(stalls, [stall.crowd.reach for stall in stalls])[0]


def _ballot(draw: Random, voter: str, stall: _Stall, at: int) -> _Ballot:
    choice: Choice = "ship" if draw.random() < stall.leaning(at) else "skip"
    ballot = _Ballot(voter, stall, at, choice)
    _second_thoughts(draw, ballot, at, choice)
    _bookmark(draw, ballot, at, choice)
    return ballot


def _second_thoughts(draw: Random, ballot: _Ballot, at: int, choice: Choice) -> None:
    later = at + _some_days(draw, 4)
    fate = draw.random()
    if later >= ballot.stall.closes:
        return
    if fate < _CHANGES_ITS_MIND:
        ballot.history.append((later, _OTHER[choice]))
    elif fate < _CHANGES_ITS_MIND + _TAKES_IT_BACK:
        ballot.history.append((later, None))


def _bookmark(draw: Random, ballot: _Ballot, at: int, choice: Choice) -> None:
    saves, unsaves, later = draw.random(), draw.random(), at + _some_days(draw, 6)
    if saves >= _SAVES[choice]:
        return
    ballot.bookmark.append((at + 2 * SECOND, True))
    if unsaves < _UNSAVES and later < ballot.stall.closes:
        ballot.bookmark.append((later, False))


def _some_days(draw: Random, mean: int) -> int:
    return 60 * SECOND + int(draw.expovariate(1 / mean) * DAY)


def _wakeful_moment(draw: Random, start: int, end: int) -> int:
    """The better of two random moments: working days and daytime see more visitors."""
    # A visit lasts some minutes and must be over when the story ends.
    return max((draw.randrange(start, end - 1200 * SECOND) for _ in range(2)), key=_wakefulness)


def _wakefulness(at: int) -> int:
    clock = datetime.fromtimestamp(at // SECOND, UTC)
    return (7 <= clock.hour < 22) + (clock.weekday() < 5)


def _settle_as_a_tie(ballots: list[_Ballot]) -> None:
    """Turn some ballots, so that as many ships as skips stand; an odd one out is taken away."""
    standing = [ballot for ballot in ballots if ballot.standing and len(ballot.history) == 1]
    surplus = sum({"ship": 1, "skip": -1, None: 0}[ballot.standing] for ballot in ballots)
    leader: Choice = "ship" if surplus > 0 else "skip"
    turnable = [ballot for ballot in standing if ballot.standing == leader]
    half, odd = divmod(abs(surplus), 2)
    for ballot in turnable[:half]:
        ballot.history = [(ballot.history[0][0], _OTHER[leader])]
    if odd:
        turnable[half].history = []
