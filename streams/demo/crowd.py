"""The crowd: seeded voters that visit, vote, change their minds and bookmark tools."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from random import Random

from streams.demo.content import Choice, DemoTool
from streams.demo.editors import SPAN, listed_at, retired_at
from streams.demo.event import DAY, SECOND, Data, DemoEvent, make_event

VOTERS = 3_000
SEED = 20_261_120

_REVISED_SHARE = 0.09
_RETRACTED_SHARE = 0.04
_BOOKMARKED_SHARE = {"ship": 0.34, "skip": 0.06}
_REMOVED_SHARE = 0.12
_OPPOSITE: dict[Choice, Choice] = {"ship": "skip", "skip": "ship"}


class _VotableTool:
    """A tool of the story, with the times between which the crowd can vote on it."""

    def __init__(self, tool: DemoTool, end: int) -> None:
        self.slug, self.crowd = tool.slug, tool.story.crowd
        self.opens = listed_at(tool, end)
        self.closes = retired_at(tool, end) or end
        self.start = end - SPAN

    def leaning(self, at: int) -> float:
        """Probability of a ship at a time."""
        now, later = self.crowd.leaning, self.crowd.leaning_by_the_end
        return now if later is None else now + (later - now) * (at - self.start) / SPAN


class _Ballot:
    """One voter's choices for one tool with their times; None retracts the vote."""

    def __init__(self, voter: str, tool: _VotableTool, at: int, choice: Choice) -> None:
        self.voter, self.tool = voter, tool
        self.history: list[tuple[int, Choice | None]] = [(at, choice)]
        self.bookmarks: list[tuple[int, bool]] = []

    @property
    def final_choice(self) -> Choice | None:
        """The choice that counts at the end of the story."""
        return self.history[-1][1]

    def events(self) -> Iterator[DemoEvent]:
        """List the voter's events about the tool: votes, then bookmarks, each oldest first."""
        subject: Data = {"tool": self.tool.slug, "voter": self.voter}
        for at, choice in self.history:
            if choice is None:
                yield make_event("vote.retracted", at, subject)
            else:
                yield make_event("vote.cast", at, subject | {"choice": choice})
        for at, saved in self.bookmarks:
            yield make_event("bookmark.added" if saved else "bookmark.removed", at, subject)


def crowd_events(tools: list[DemoTool], end: int) -> Iterator[DemoEvent]:
    """Generate the events of all voters, in no order."""
    draw = Random(SEED)  # noqa: S311 - the same story each time, no secret
    votable = [_VotableTool(tool, end) for tool in tools]
    voters = [f"demo-voter-{number:04}" for number in range(1, VOTERS + 1)]
    ballots = list(
        chain.from_iterable(_cast_ballots(draw, voter, votable, end) for voter in voters)
    )
    for tool in votable:
        if tool.crowd.tie:
            _make_tie([ballot for ballot in ballots if ballot.tool is tool])
    return chain.from_iterable(ballot.events() for ballot in ballots)


def _cast_ballots(
    draw: Random, voter: str, tools: list[_VotableTool], end: int
) -> Iterator[_Ballot]:
    """Vote on a few new tools at each of a few visits over the weeks."""
    seen: set[str] = set()
    for _ in range(draw.choice((1, 1, 2, 2, 3))):
        at = _draw_visit(draw, end - SPAN, end)
        for _ in range(draw.choice((1, 1, 2, 2, 3, 4))):
            open_tools = [tool for tool in tools if tool.opens < at < tool.closes]
            tool = _choose_by_reach(draw, open_tools)
            if tool and tool.slug not in seen:
                seen.add(tool.slug)
                yield _cast_ballot(draw, voter, tool, at)
            at += draw.randrange(15 * SECOND, 240 * SECOND)


def _choose_by_reach(draw: Random, tools: list[_VotableTool]) -> _VotableTool | None:
    if not tools:
        return None
    return draw.choices(tools, [tool.crowd.reach for tool in tools])[0]


def _cast_ballot(draw: Random, voter: str, tool: _VotableTool, at: int) -> _Ballot:
    choice: Choice = "ship" if draw.random() < tool.leaning(at) else "skip"
    ballot = _Ballot(voter, tool, at, choice)
    _revise(draw, ballot, at, choice)
    _add_bookmarks(draw, ballot, at, choice)
    return ballot


def _revise(draw: Random, ballot: _Ballot, at: int, choice: Choice) -> None:
    later = at + _some_days(draw, 4)
    chance = draw.random()
    if later >= ballot.tool.closes:
        return
    if chance < _REVISED_SHARE:
        ballot.history.append((later, _OPPOSITE[choice]))
    elif chance < _REVISED_SHARE + _RETRACTED_SHARE:
        ballot.history.append((later, None))


def _add_bookmarks(draw: Random, ballot: _Ballot, at: int, choice: Choice) -> None:
    adding, removing, later = draw.random(), draw.random(), at + _some_days(draw, 6)
    if adding >= _BOOKMARKED_SHARE[choice]:
        return
    ballot.bookmarks.append((at + 2 * SECOND, True))
    if removing < _REMOVED_SHARE and later < ballot.tool.closes:
        ballot.bookmarks.append((later, False))


def _some_days(draw: Random, mean: int) -> int:
    return 60 * SECOND + int(draw.expovariate(1 / mean) * DAY)


def _draw_visit(draw: Random, start: int, end: int) -> int:
    """Draw two times and take the busier: working days and daytime see more visitors."""
    # A visit lasts some minutes and must end before the story does.
    return max((draw.randrange(start, end - 1200 * SECOND) for _ in range(2)), key=_busyness)


def _busyness(at: int) -> int:
    clock = datetime.fromtimestamp(at // SECOND, UTC)
    return (7 <= clock.hour < 22) + (clock.weekday() < 5)


def _make_tie(ballots: list[_Ballot]) -> None:
    """Flip some ballots, so that ships and skips are equal; drop an odd one."""
    unrevised = [ballot for ballot in ballots if ballot.final_choice and len(ballot.history) == 1]
    surplus = sum({"ship": 1, "skip": -1, None: 0}[ballot.final_choice] for ballot in ballots)
    leader: Choice = "ship" if surplus > 0 else "skip"
    flippable = [ballot for ballot in unrevised if ballot.final_choice == leader]
    half, odd = divmod(abs(surplus), 2)
    for ballot in flippable[:half]:
        ballot.history = [(ballot.history[0][0], _OPPOSITE[leader])]
    if odd:
        flippable[half].history = []
